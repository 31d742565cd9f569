import { randomUUID } from "node:crypto";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Event_Type } from "../../src/gen/auth/v1/event_pb.ts";
import { auth, authJson } from "../support/cli.ts";
import { claimsOf, kidOf, OutsideVerifier } from "./outside-verifier.ts";
import { isActive, newAccount, newSession, refresh, signIn } from "./sign-in.ts";
import { signedBy, stolenKeys } from "./signing-key-rows.ts";
import { type Instance, TwoServices } from "./two-services.ts";

/** What is promised of replicas that did not revoke the key themselves. */
const followsWithinMs = 2_000;

let services: TwoServices;
beforeEach(async () => {
  services = await TwoServices.start();
});
afterEach(() => services[Symbol.asyncDispose]());

const kidsAt = async ({ service: { httpUrl } }: Instance): Promise<string[]> => {
  const response = await fetch(`${httpUrl}/.well-known/jwks.json`);
  return ((await response.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
};
const minute = { maxStaleness: { seconds: 60n } };
const cliEnvironment = () => ({
  DATABASE_URL: services.database.uri,
  AUTH_WRAPPING_KEY: services.wrappingKey,
});

describe("a leaked signing key", () => {
  test("that is revoked at one replica is worth nothing at any of them, from the answer on", async () => {
    const { first, second } = services;
    const { tokens: issued } = await newSession(first);
    const kid = kidOf(issued.accessToken);
    const [stolen] = await stolenKeys(services);
    const forged = signedBy(
      stolen!,
      Buffer.from(issued.accessToken.split(".")[0]!, "base64url"),
      JSON.stringify({ ...claimsOf(issued.accessToken), jti: randomUUID(), exp: 4_000_000_000 }),
    );
    // Both have verified both tokens, and have the session in memory.
    for (const token of [issued.accessToken, forged]) {
      for (const each of services.both)
        expect((await each.tokens.introspectToken({ token, ...minute })).active).toBe(true);
    }

    const { signingKid } = await first.tokens.revokeSigningKey({ kid });

    for (const token of [issued.accessToken, forged]) {
      for (const each of services.both) {
        expect(await isActive(each, token)).toBe(false);
        const { results } = await each.tokens.batchIntrospectTokens({ tokens: [token] });
        expect(results.map(({ active }) => active)).toEqual([false]);
        expect((await each.tokens.introspectToken({ token, ...minute })).active).toBe(false);
      }
    }
    expect(await kidsAt(first)).toEqual([signingKid]);
    await expect.poll(() => kidsAt(second), { timeout: followsWithinMs }).toEqual([signingKid]);

    // The session goes on with the next key, at both and for those who verify by themselves.
    let { refreshToken } = issued;
    for (const each of services.both) {
      const next = await refresh(each, refreshToken);
      refreshToken = next.tokens.refreshToken;
      expect(kidOf(next.tokens.accessToken)).toBe(signingKid);
      expect(await isActive(first, next.tokens.accessToken)).toBe(true);
      await new OutsideVerifier(each.service, 1_000).verify(next.tokens.accessToken);
      await expect(new OutsideVerifier(each.service, 1_000).verify(forged)).rejects.toThrow(
        /no applicable key/,
      );
    }

    // It does not come back, and neither does its private half.
    await services.restartBoth();
    for (const each of services.both) {
      expect(await isActive(each, forged)).toBe(false);
      expect(await kidsAt(each)).toEqual([signingKid]);
    }
    const rows = await services.query("select wrapped_private_key from signing_keys where id = $1", [kid]);
    expect(rows.map((row) => (row["wrapped_private_key"] as Buffer).length)).toEqual([0]);
  });

  test("is never active in an introspection that began after the answer, however busy the other replica is", async () => {
    const { first, second } = services;
    const { tokens: issued } = await newSession(first);
    const token = issued.accessToken;
    let answeredAt = Number.POSITIVE_INFINITY;
    let begunAfter = 0;
    const late: number[] = [];
    const asks = Array.from({ length: 8 }, async () => {
      while (begunAfter < 200) {
        const begunAt = performance.now();
        const active = await isActive(second, token);
        if (begunAt <= answeredAt) continue;
        begunAfter++;
        if (active) late.push(begunAt - answeredAt);
      }
    });
    await first.tokens.revokeSigningKey({ kid: kidOf(token) });
    answeredAt = performance.now();
    await Promise.all(asks);
    expect(late).toEqual([]);
  });

  test("that both replicas revoke at once is revoked once, and has one successor", async () => {
    const { first } = services;
    const kid = kidOf((await newSession(first)).tokens.accessToken);
    const answers = await Promise.all(
      [0, 1, 2, 3].map((n) => services.byTurns(n).tokens.revokeSigningKey({ kid })),
    );
    expect(new Set(answers.map(({ signingKid }) => signingKid)).size).toBe(1);
    expect(new Set(answers.map(({ revokeTime }) => revokeTime?.seconds)).size).toBe(1);
    const { events } = await first.events.listEvents({ filter: { types: [Event_Type.SIGNING_KEY_REVOKED] } });
    expect(events.map(({ objectId, caller }) => [objectId, caller])).toEqual([[kid, "anonymous"]]);
    expect(await services.query("select id from signing_keys where revoke_time is null")).toHaveLength(1);
  });

  test("that there is not is not found, and one that is no UUID is refused: nothing is changed", async () => {
    const { first } = services;
    const before = await services.query("select * from signing_keys");
    const refused: [string, Code][] = [
      [randomUUID(), Code.NotFound],
      ["latest", Code.InvalidArgument],
      ["", Code.InvalidArgument],
    ];
    for (const [kid, code] of refused) {
      const error = await first.tokens.revokeSigningKey({ kid }).catch(ConnectError.from);
      expect((error as ConnectError).code, kid).toBe(code);
    }
    expect(await services.query("select * from signing_keys")).toEqual(before);
  });

  test("is revoked on the command line beside the services, which follow", async () => {
    const { first, second } = services;
    const account = await newAccount(first);
    const { tokens: issued } = await signIn(first, account);
    const kid = kidOf(issued.accessToken);
    const { key, signing } = await authJson<{ key: { id: string; revokeTime: string }; signing: string }>(
      ["keys", "revoke", kid],
      cliEnvironment(),
    );
    expect(key.id).toBe(kid);
    for (const each of services.both) expect(await isActive(each, issued.accessToken)).toBe(false);
    for (const each of [first, second]) {
      await expect
        .poll(async () => kidOf((await signIn(each, account)).tokens.accessToken), {
          timeout: followsWithinMs,
        })
        .toBe(signing);
    }
    const again = await auth(["keys", "revoke", kid], cliEnvironment());
    expect(again).toMatchObject({ code: 0, stderr: "" });
    expect(again.stdout).toMatch(
      new RegExp(`^Key ${kid} was revoked at \\S+Z\\. Key ${signing} \\(ES256\\) signs now\\.\\n$`),
    );
    expect((await auth(["keys", "list"], cliEnvironment())).stdout).toMatch(
      new RegExp(`^${kid} +ES256 +revoked `, "m"),
    );
    expect(await auth(["keys", "revoke", randomUUID()], cliEnvironment())).toMatchObject({
      code: 1,
      stdout: "",
      stderr: "auth: signing key not found; GetJwks lists the key IDs\n",
    });
    expect((await auth(["keys", "revoke", "x"], cliEnvironment())).code).not.toBe(0);
  });
});
