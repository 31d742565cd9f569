import { beforeEach, describe, expect, test } from "vitest";
import type { SessionSnapshot } from "../../../src/interfaces/relationaldb/session-repository.ts";
import { askedOf } from "../../support/asked.ts";
import { aCall } from "../../support/calls.ts";
import { claimsIn, client } from "../../support/clocked-services.ts";
import { Clocks, hour, minute, second } from "../../support/clocks.ts";
import { anEvent } from "../../support/events.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { revealed } from "../../support/revealed.ts";
import { aSession, issuer, limits, schedule, tokenParts } from "../../support/token-parts.ts";

let clocks: Clocks;
let repository: InMemoryRepository;
let parts: ReturnType<typeof tokenParts>;

beforeEach(async () => {
  clocks = new Clocks();
  repository = new InMemoryRepository(clocks.database);
  parts = tokenParts(repository, clocks);
  await parts.keyRing.maintain(aCall());
});

const issue = (at: SessionSnapshot) => revealed(parts.issuer.issue(at));
const headerIn = (token: string) =>
  JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString());

describe("the tokens of a session", () => {
  test("say what RFC 9068 asks for, and whose session it is", async () => {
    const at = await aSession(repository, { audience: "bills" });
    const tokens = issue(at);
    const time = at.time.getTime() / 1_000;
    expect(headerIn(tokens.accessToken)).toEqual({
      typ: "at+jwt",
      alg: "EdDSA",
      kid: parts.keyRing.signingAt(at.time.getTime()).id,
    });
    expect(claimsIn(tokens.accessToken)).toEqual({
      iss: issuer,
      sub: at.session.userId,
      aud: "bills",
      exp: time + 300,
      iat: time,
      jti: expect.any(String),
      client_id: client.id,
      sid: at.session.id,
    });
    expect(tokens.accessTokenExpireTime.getTime()).toBe((time + 300) * 1_000);
    expect(tokens.refreshTokenExpireTime).toEqual(at.session.idleExpireTime);
    expect(parts.refreshTokens.open(tokens.refreshToken)).toEqual({
      sessionId: at.session.id,
      generation: 1,
    });
  });

  test("are one refresh token for one generation, and an access token of its own each time", async () => {
    const at = await aSession(repository);
    const [a, b] = [issue(at), issue(at)];
    expect(a.refreshToken).toBe(b.refreshToken);
    expect(claimsIn(a.accessToken)).toEqual({
      ...claimsIn(b.accessToken),
      jti: expect.not.stringMatching(claimsIn(b.accessToken).jti),
    });
    const next = await repository
      .statement(aCall())
      .sessions.refresh({ id: at.session.id, generation: 1, caller: undefined }, limits, anEvent());
    expect(next && issue(next).refreshToken).not.toBe(a.refreshToken);
  });

  test("have times in whole seconds, and never later than what they stand for", async () => {
    clocks.pass(999);
    const at = await aSession(repository);
    const { accessToken, accessTokenExpireTime } = issue(at);
    const { iat, exp } = claimsIn(accessToken);
    expect(iat * 1_000).toBe(at.time.getTime() - 999);
    expect(exp * 1_000).toBe(at.time.getTime() + schedule.tokenLifetimeMs - 999);
    expect(accessTokenExpireTime.getTime()).toBe(exp * 1_000);
  });

  test.each([4 * minute, 2 * second, second + 1, 1])(
    "never outlive the session, of which %i ms are left",
    async (ms) => {
      const at = await aSession(repository, { absoluteMs: hour });
      const time = new Date(at.session.expireTime.getTime() - ms);
      const { accessToken } = issue({ ...at, time });
      expect(claimsIn(accessToken).exp * 1_000).toBeLessThanOrEqual(at.session.expireTime.getTime());
      expect(claimsIn(accessToken).exp * 1_000).toBeGreaterThan(at.session.expireTime.getTime() - second);
    },
  );

  test("are signed by the key of the database's time, whatever this process takes the time to be", async () => {
    const first = parts.keyRing.signingAt(clocks.databaseMs);
    clocks.databaseMs += schedule.rotationMs;
    await parts.keyRing.maintain(aCall());
    const at = await aSession(repository);
    const next = new Date(clocks.databaseMs + 2 * schedule.maxAgeMs);
    const kidAt = (time: Date) => headerIn(issue({ ...at, time }).accessToken).kid;
    expect(kidAt(new Date(next.getTime() - 1))).toBe(first.id);
    expect(kidAt(next)).not.toBe(first.id);
  });
});

describe("prepare", () => {
  test("asks for the keys only where a key that signs already may be unknown", async () => {
    const asked = askedOf(repository);
    clocks.pass(schedule.maxAgeMs);
    await parts.issuer.prepare(aCall());
    expect(asked).toEqual([]);
    clocks.pass(1);
    await parts.issuer.prepare(aCall());
    await parts.issuer.prepare(aCall());
    expect(asked.map(({ what }) => what)).toEqual(["signingKeys.list"]);
  });

  test("of a process that has not looked yet finds the keys of the others", async () => {
    const at = await aSession(repository);
    const other = tokenParts(repository, clocks);
    expect(() => other.issuer.issue(at)).toThrow("no signing key is active");
    await other.issuer.prepare(aCall());
    const { accessToken } = revealed(other.issuer.issue(at));
    expect(parts.accessTokens.read(accessToken, parts.keyRing.keys)?.claims.sid).toBe(at.session.id);
  });
});
