import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../../src/domain/secret.ts";
import type { AccessTokenClaims } from "../../../src/domain/token/access-tokens.ts";
import type { User, UserDraft } from "../../../src/domain/user/user.ts";
import type { SessionSnapshot } from "../../../src/interfaces/relationaldb/session-repository.ts";
import { type Asked, askedOf } from "../../support/asked.ts";
import { aCall } from "../../support/calls.ts";
import { claimsIn } from "../../support/clocked-services.ts";
import { Clocks, minute, second } from "../../support/clocks.ts";
import { anEvent } from "../../support/events.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import {
  aKeyRing,
  aSession,
  limits,
  newWrappingKey,
  schedule,
  tokenParts,
} from "../../support/token-parts.ts";

let clocks: Clocks;
let repository: InMemoryRepository;
let parts: ReturnType<typeof tokenParts>;
let asked: Asked[];

beforeEach(async () => {
  clocks = new Clocks();
  repository = new InMemoryRepository(clocks.database);
  parts = tokenParts(repository, clocks);
  await parts.keyRing.maintain(aCall());
  asked = askedOf(repository);
});

interface AskedFor {
  audience?: string;
  maxStalenessMs?: number;
}
const introspect = (token: string, { audience, maxStalenessMs = 0 }: AskedFor = {}) =>
  parts.tokens.introspect(aCall(), new Secret(token), { audience, maxStalenessMs });
const batch = (tokens: readonly string[], { audience, maxStalenessMs = 0 }: AskedFor = {}) =>
  parts.tokens.batchIntrospect(
    aCall(),
    tokens.map((token) => new Secret(token)),
    { audience, maxStalenessMs },
  );
const tokenOf = (at: SessionSnapshot) => parts.issuer.issue(at).accessToken.reveal();
const aToken = async (changes?: Parameters<typeof aSession>[1]) =>
  tokenOf(await aSession(repository, changes));
/** A token with other claims, signed by the key that signs now. */
const signed = (claims: AccessTokenClaims) =>
  parts.accessTokens.sign(claims, parts.keyRing.signingAt(clocks.databaseMs));
const questions = () => asked.filter(({ what }) => what === "sessions.statuses");

test("a token that is good has its claims, by one question to the database", async () => {
  const token = await aToken();
  asked.length = 0;
  expect(await introspect(token)).toEqual(claimsIn(token));
  expect(asked).toEqual([{ what: "sessions.statuses", about: [[claimsIn(token).sid]] }]);
});

describe("a token is not good", () => {
  test.each([
    [
      "when its session was revoked",
      (at: SessionSnapshot) => change(({ sessions }) => sessions.end(at.session.id, "revoked")),
    ],
    ["when its session has expired", () => clocks.pass(limits.idleMs)],
    ["when its session was forgotten", () => clocks.pass(30 * 24 * 60 * minute)],
    [
      "when its session ended by a refresh token that was used again",
      async ({ session: { id } }: SessionSnapshot) => {
        const { sessions } = repository.statement(aCall());
        for (const generation of [1, 2, 1]) {
          await sessions.refresh({ id, generation, caller: undefined }, limits, anEvent());
        }
      },
    ],
    [
      "when its user is suspended, though nobody has ended the session",
      (at: SessionSnapshot) => draft(at, (user) => user.suspended("fraud", undefined)),
    ],
    [
      "when its user is deleted, though nobody has ended the session",
      (at: SessionSnapshot) => draft(at, (user) => user.deleted()),
    ],
  ])("%s", async (_when, happens) => {
    const at = await aSession(repository);
    const token = tokenOf(at);
    expect(await introspect(token)).toBeDefined();
    await happens(at);
    expect(await introspect(token)).toBeUndefined();
    expect(await batch([token])).toEqual([undefined]);
  });

  test.each<[string, (claims: AccessTokenClaims, now: number) => Partial<AccessTokenClaims>]>([
    ["of a session that there is not", () => ({ sid: randomUUID() })],
    ["of a session of another user", () => ({ sub: randomUUID() })],
    ["of another issuer", () => ({ iss: "https://auth.test/" })],
    ["for an audience that is none of ours", () => ({ aud: "order" })],
    ["that has expired", (_claims, now) => ({ exp: now })],
    ["that was issued more than 10 s from now", (_claims, now) => ({ iat: now + 11 })],
  ])("%s", async (_what, wrong) => {
    const claims = claimsIn(await aToken());
    const now = clocks.databaseMs / 1_000;
    expect(await introspect(signed(claims))).toEqual(claims);
    expect(await introspect(signed({ ...claims, exp: now + 1, iat: now + 10 }))).toBeDefined();
    const token = signed({ ...claims, ...wrong(claims, now) });
    expect(await introspect(token)).toBeUndefined();
    expect(await batch([token])).toEqual([undefined]);
  });

  test("that is none, and asks the database nothing", async () => {
    const at = await aSession(repository);
    const token = tokenOf(at);
    asked.length = 0;
    const texts = [
      "",
      "x",
      "a.b.c",
      `${token}.`,
      token.slice(0, -1),
      parts.issuer.issue(at).refreshToken.reveal(),
      "🙂",
    ];
    for (const text of [...texts, at.session.id, "a".repeat(100_000)]) {
      expect(await introspect(text)).toBeUndefined();
    }
    expect(await batch(texts)).toEqual(texts.map(() => undefined));
    expect(asked).toEqual([]);
  });

  test("signed by a key of another service", async () => {
    const elsewhere = new InMemoryRepository(clocks.database);
    const ring = aKeyRing(elsewhere, clocks, { wrappingKeys: newWrappingKey() });
    await ring.maintain(aCall());
    const claims = claimsIn(await aToken());
    const token = parts.accessTokens.sign(claims, ring.signingAt(clocks.databaseMs));
    expect(await introspect(token)).toBeUndefined();
  });

  test("for another than who asks", async () => {
    const [orders, bills] = [await aToken(), await aToken({ audience: "bills" })];
    expect(await introspect(orders, { audience: "orders" })).toBeDefined();
    expect(await introspect(bills, { audience: "orders" })).toBeUndefined();
    expect(await introspect(orders, { audience: "order" })).toBeUndefined();
    const results = await batch([orders, bills], { audience: "bills" });
    expect(results.map((claims) => claims?.aud)).toEqual([undefined, "bills"]);
  });

  test("once it expires by the database's clock, whatever the process's says", async () => {
    const token = await aToken();
    clocks.processMs += 10 * minute;
    await parts.keyRing.reload(aCall());
    expect(await introspect(token)).toBeDefined();
    clocks.databaseMs += schedule.tokenLifetimeMs - 1;
    expect(await introspect(token)).toBeDefined();
    clocks.databaseMs += 1;
    expect(await introspect(token)).toBeUndefined();
  });

  test("signed by a key that was retired, though it says that it has not expired", async () => {
    const at = await aSession(repository, { absoluteMs: 10 * schedule.rotationMs });
    const claims = { ...claimsIn(tokenOf(at)), exp: 1e10 };
    const token = signed(claims);
    clocks.pass(schedule.rotationMs - 2 * schedule.maxAgeMs);
    await parts.keyRing.maintain(aCall());
    clocks.pass(2 * schedule.maxAgeMs + schedule.tokenLifetimeMs - 1);
    await parts.keyRing.reload(aCall());
    // Its session has long been idle: another, of the same user, is not.
    const other = await aSession(repository, { userId: at.session.userId });
    const good = { ...claims, sid: other.session.id };
    const [old] = parts.keyRing.keys.values();
    const ofOld = parts.accessTokens.sign(good, old ?? expect.fail());
    expect(await introspect(token)).toBeUndefined();
    expect(await introspect(ofOld)).toEqual(good);
    clocks.pass(1);
    expect(await introspect(ofOld)).toBeUndefined();
    expect(await introspect(signed(good))).toEqual(good);
  });
});

describe("a key that another instance has revoked", () => {
  test("ends its tokens with the next question to the database, although the keys were not read since", async () => {
    const token = await aToken();
    const fromMemory = { maxStalenessMs: minute };
    expect(await introspect(token, fromMemory)).toBeDefined();
    const { id } = parts.keyRing.signingAt(clocks.databaseMs);
    await aKeyRing(repository, clocks).revoke(aCall(), id);
    expect(parts.keyRing.keys.has(id)).toBe(true);
    // An answer may be as old as its caller allows.
    expect(await introspect(token, fromMemory)).toBeDefined();
    expect(await introspect(token)).toBeUndefined();
    expect(await batch([token])).toEqual([undefined]);
    expect(await introspect(token, fromMemory)).toBeUndefined();
  });
});

describe("keys that may be old", () => {
  test("are loaded before a token is looked at", async () => {
    const token = await aToken();
    clocks.pass(schedule.maxAgeMs - 1);
    const other = tokenParts(repository, clocks);
    asked.length = 0;
    expect(
      await other.tokens.introspect(aCall(), new Secret(token), { audience: undefined, maxStalenessMs: 0 }),
    ).toBeDefined();
    expect(asked.map(({ what }) => what)).toEqual(["signingKeys.list", "sessions.statuses"]);
    asked.length = 0;
    clocks.processMs += schedule.maxAgeMs + 1;
    await other.tokens.batchIntrospect(aCall(), [new Secret(token)], {
      audience: undefined,
      maxStalenessMs: 0,
    });
    expect(asked.map(({ what }) => what)).toEqual(["signingKeys.list", "sessions.statuses"]);
  });
});

describe("max_staleness", () => {
  test("0 asks each time", async () => {
    const token = await aToken();
    for (let i = 0; i < 3; i++) await introspect(token);
    expect(questions()).toHaveLength(3);
  });

  test("answers from memory within the age, and asks otherwise", async () => {
    const at = await aSession(repository);
    const [token, another] = [tokenOf(at), tokenOf(at)];
    const asking = { maxStalenessMs: 5 * second };
    await introspect(token, asking);
    await change(({ sessions }) => sessions.end(at.session.id, "revoked"));
    clocks.pass(5 * second);
    // What is remembered is the session, and so it serves all of its tokens.
    expect(await introspect(token, asking)).toBeDefined();
    expect(await introspect(another, asking)).toBeDefined();
    expect(questions()).toHaveLength(1);
    clocks.pass(1);
    expect(await introspect(token, asking)).toBeUndefined();
    expect(questions()).toHaveLength(2);
    // That it has ended is remembered too.
    expect(await introspect(another, asking)).toBeUndefined();
    expect(questions()).toHaveLength(2);
  });

  test("is filled by who asks for 0, who sees the end at once", async () => {
    const at = await aSession(repository);
    const token = tokenOf(at);
    await introspect(token);
    expect(await introspect(token, { maxStalenessMs: second })).toBeDefined();
    await change(({ sessions }) => sessions.end(at.session.id, "revoked"));
    expect(await introspect(token)).toBeUndefined();
    expect(await introspect(token, { maxStalenessMs: second })).toBeUndefined();
  });

  test("lets no token live longer: time goes on in memory", async () => {
    const at = await aSession(repository);
    const token = tokenOf({
      ...at,
      time: new Date(at.time.getTime() - schedule.tokenLifetimeMs + 2 * second),
    });
    const asking = { maxStalenessMs: 5 * minute };
    expect(await introspect(token, asking)).toBeDefined();
    clocks.processMs += 2 * second - 1;
    expect(await introspect(token, asking)).toBeDefined();
    clocks.processMs += 1;
    expect(await introspect(token, asking)).toBeUndefined();
    expect(questions()).toHaveLength(1);
  });
});

describe("a batch", () => {
  test("has a result for each token, in order, by one question", async () => {
    const [a, b, ended] = [
      await aSession(repository),
      await aSession(repository),
      await aSession(repository),
    ];
    await change(({ sessions }) => sessions.end(ended.session.id, "revoked"));
    const [tokenA, tokenB] = [tokenOf(a), tokenOf(b)];
    const results = await batch([tokenB, "x", tokenA, tokenOf(ended), tokenB, "", tokenOf(a)]);
    expect(results.map((claims) => claims?.sid)).toEqual([
      b.session.id,
      undefined,
      a.session.id,
      undefined,
      b.session.id,
      undefined,
      a.session.id,
    ]);
    expect(results[0]).toEqual(claimsIn(tokenB));
    expect(questions()).toHaveLength(1);
    expect(questions()[0]?.about).toEqual([[b.session.id, a.session.id, ended.session.id]]);
  });

  test("asks for what it does not remember", async () => {
    const [known, unknown] = [await aSession(repository), await aSession(repository)];
    const asking = { maxStalenessMs: second };
    await introspect(tokenOf(known), asking);
    asked.length = 0;
    const tokens = [tokenOf(unknown), tokenOf(known), tokenOf(unknown)];
    expect((await batch(tokens, asking)).map((claims) => claims?.sid)).toEqual(
      [unknown, known, unknown].map(({ session }) => session.id),
    );
    expect(asked).toEqual([{ what: "sessions.statuses", about: [[unknown.session.id]] }]);
    await batch(tokens, asking);
    expect(asked).toHaveLength(1);
    await batch(tokens);
    expect(asked.at(-1)?.about).toEqual([[unknown.session.id, known.session.id]]);
  });

  test.each([
    [1, 0],
    [32, 0],
    [33, 1],
    [64, 1],
    [65, 2],
    [500, 15],
  ])("of %i tokens gives others %i turns", async (count, turns) => {
    const token = await aToken();
    expect(await batch(Array.from({ length: count }, (_, i) => (i % 2 === 0 ? token : "x")))).toHaveLength(
      count,
    );
    expect(parts.turns.count).toBe(turns);
  });
});

const change = <T>(work: Parameters<typeof repository.transaction<T>>[1]) =>
  repository.transaction(aCall(), work);

/** Changes the user of a session without ending it, as no service does. */
function draft({ session }: SessionSnapshot, to: (user: User) => UserDraft | undefined) {
  return change(async ({ users }) => {
    const user = (await users.find({ kind: "id", id: session.userId })) ?? expect.fail();
    await users.update(user, to(user) ?? expect.fail());
  });
}
