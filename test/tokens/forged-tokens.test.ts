import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TokenService } from "../../src/gen/auth/v1/token_service_pb.ts";
import { forgedAccessTokens } from "../infrastructure/crypto/forged-access-tokens.ts";
import { misSignedAccessTokens } from "../infrastructure/crypto/mis-signed-access-tokens.ts";
import { figure } from "../support/figures.ts";
import { audience, password } from "../support/services.ts";
import { type RawCaller, rawGrpc, rawJson } from "./raw-answers.ts";
import { isActive, newAccount, newSession, signIn } from "./sign-in.ts";
import { signedBy, stolenKeys } from "./signing-key-rows.ts";
import { TwoServices } from "./two-services.ts";

const { introspectToken, batchIntrospectTokens } = TokenService.method;

/** What a message may have is less. */
const tooLong = 1_000_000;
const batchSize = 50;

interface Named {
  readonly name: string;
  readonly token: string;
}

/** One token for each way in which a token that was, or could be, good is not. */
async function inactiveTokens(services: TwoServices): Promise<Named[]> {
  const { first, second } = services;
  const account = await newAccount(first);
  const [revoked, suspended] = [await signIn(first, account), await newSession(first)];
  await first.sessions.revokeSession({ id: revoked.session.id });
  await first.users.suspendUser({ id: suspended.session.userId, reason: "test" });
  const { tokens } = await signIn(first, account);
  // The second's tokens live for a second.
  const expired = await signIn(second, account);
  while (await isActive(first, expired.tokens.accessToken)) await sleep(50);
  await using others = await TwoServices.start();
  const unknown = await newSession(others.first);
  expect(await isActive(others.second, unknown.tokens.accessToken)).toBe(true);
  return [
    { name: "of another service with the same name", token: unknown.tokens.accessToken },
    { name: "expired", token: expired.tokens.accessToken },
    { name: "of a session that was revoked", token: revoked.tokens.accessToken },
    { name: "of a user that is suspended", token: suspended.tokens.accessToken },
    { name: "malformed", token: "malformed" },
    { name: "a refresh token", token: tokens.refreshToken },
    { name: "a refresh token of a session that was revoked", token: revoked.tokens.refreshToken },
    { name: "longer than any", token: "x".repeat(900_000) },
  ];
}

describe.each(["ES256", "EdDSA"])("a service that signs by %s", { timeout: 120_000 }, (algorithm) => {
  let services: TwoServices;
  let callers: readonly (readonly [string, RawCaller])[];
  let good: string;
  let inactive: Named[];
  let forged: Named[];

  beforeAll(async () => {
    services = await TwoServices.start({ AUTH_SIGNING_ALGORITHM: algorithm });
    await services.restart(1, { AUTH_ACCESS_TOKEN_LIFETIME: "1s" });
    callers = services.both.flatMap(({ service }) => [
      ["gRPC", rawGrpc(service)] as const,
      ["Connect and JSON", rawJson(service)] as const,
    ]);
    const [one, other] = [await newSession(services.first), await newSession(services.first)];
    good = one.tokens.accessToken;
    inactive = await inactiveTokens(services);
    const [key] = await stolenKeys(services);
    expect(key).toMatchObject({ algorithm });
    forged = [
      ...forgedAccessTokens({ publicJwk: key!.publicJwk, good, other: other.tokens.accessToken }),
      ...misSignedAccessTokens(good, (...parts) => signedBy(key!, ...parts)),
    ];
    // What is signed by the same hand and left as it was is good: it is the changes that are refused.
    const [header, payload] = good.split(".").map((part) => Buffer.from(part, "base64url"));
    expect(await isActive(services.first, signedBy(key!, header!, payload!))).toBe(true);
  }, 120_000);
  afterAll(async () => {
    for (const [, caller] of callers ?? []) caller[Symbol.dispose]();
    await services?.[Symbol.asyncDispose]();
  });

  const isGoodEverywhere = async () => {
    for (const [, caller] of callers) {
      expect((await caller.call(introspectToken, { token: good })).message).toMatchObject({ active: true });
    }
  };

  test("every token that is not good gets one and the same answer, byte by byte", async () => {
    await isGoodEverywhere();
    const named = [...inactive, ...forged].filter(({ token }) => token.length < tooLong);
    for (const [name, caller] of callers) {
      const expected = await caller.call(introspectToken, { token: "unknown" });
      expect(expected.message?.active ?? false).toBe(false);
      const answers = await Promise.all(named.map(({ token }) => caller.call(introspectToken, { token })));
      const different = named.filter((_, i) => answers[i]!.text !== expected.text);
      expect(different.map((each) => `${each.name} over ${name}`)).toEqual([]);
    }
    await isGoodEverywhere();
    figure(`forged tokens, ${algorithm}`, { forged: forged.length, refused: named.length });
    expect(forged.length).toBeGreaterThanOrEqual(200);
  });

  test("and in a batch one and the same result, between good ones", async () => {
    const named = [...inactive, ...forged].filter(({ token }) => token.length < 500_000);
    for (const [name, caller] of callers) {
      for (let from = 0; from < named.length; from += batchSize) {
        const some = named.slice(from, from + batchSize).map(({ token }) => token);
        const nothings = some.map(() => "unknown");
        const answer = await caller.call(batchIntrospectTokens, { tokens: [good, ...some, good] });
        const expected = await caller.call(batchIntrospectTokens, { tokens: [good, ...nothings, good] });
        expect(answer.text, name).toBe(expected.text);
        const active = answer.message!.results.map((result) => result.active ?? false);
        expect(active).toEqual([true, ...some.map(() => false), true]);
      }
    }
  });

  test("what is more than a message may be is an error", async () => {
    const named = forged.filter(({ token }) => token.length >= tooLong);
    expect(named.length).toBeGreaterThanOrEqual(3);
    for (const [, caller] of callers) {
      for (const { name, token } of named) {
        expect((await caller.call(introspectToken, { token })).message, name).toBeUndefined();
        const inBatch = await caller.call(batchIntrospectTokens, { tokens: [good, token] });
        expect(inBatch.message, name).toBeUndefined();
      }
    }
    await isGoodEverywhere();
  });
});

describe("good tokens of somebody else", { timeout: 120_000 }, () => {
  test("of another issuer, for another audience or of another service they are as unknown as any", async () => {
    await using services = await TwoServices.start();
    using caller = rawGrpc(services.first.service);
    const { text } = await caller.call(introspectToken, { token: "unknown" });
    const account = await newAccount(services.first);
    const own = await signIn(services.first, account);
    const token = own.tokens.accessToken;
    // The very same key, session and user.
    for (const other of [{ AUTH_ISSUER: "https://other.test" }, { AUTH_AUDIENCES: "orders,billing" }]) {
      await services.restart(1, other);
      const theirs = await services.second.authentication.authenticate({
        identifier: account.username,
        password,
        audience: other.AUTH_AUDIENCES === undefined ? audience : "billing",
        client: { id: "web" },
      });
      const foreign = theirs.tokens!.accessToken;
      expect(await isActive(services.second, foreign)).toBe(true);
      expect(await isActive(services.second, token)).toBe(false);
      expect((await caller.call(introspectToken, { token: foreign })).text).toBe(text);
    }
    expect(await isActive(services.first, token)).toBe(true);
  });

  test("for who says who they are, only tokens for them are good", async () => {
    await using services = await TwoServices.start();
    const { tokens } = await newSession(services.first);
    const token = tokens.accessToken;
    for (const { service } of services.both) {
      for (const caller of [rawGrpc(service), rawJson(service)]) {
        using each = caller;
        const { text } = await each.call(introspectToken, { token: "unknown" });
        expect((await each.call(introspectToken, { token, audience })).message).toMatchObject({
          active: true,
        });
        for (const wrong of ["orders", "nobody", "Development", `${audience} `]) {
          expect((await each.call(introspectToken, { token, audience: wrong })).text).toBe(text);
        }
      }
    }
  });
});
