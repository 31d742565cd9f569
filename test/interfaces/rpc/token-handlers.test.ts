import { randomUUID } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { beforeEach, describe, expect, test } from "vitest";
import { IntrospectTokenResponseSchema } from "../../../src/gen/auth/v1/token_service_pb.ts";
import { aCall } from "../../support/calls.ts";
import { claimsIn, client } from "../../support/clocked-services.ts";
import { day, minute } from "../../support/clocks.ts";
import { errorOf } from "../../support/rpc.ts";
import { audience, otherPassword, password } from "../../support/services.ts";
import { type RpcWithAda, rpcWithAda } from "../../support/signed-in-rpc.ts";

let rpc: RpcWithAda;
let tokens: RpcWithAda["tokens"];

beforeEach(async () => {
  rpc = await rpcWithAda();
  tokens = rpc.tokens;
});

type SignIn = Awaited<ReturnType<RpcWithAda["signIn"]>>;

/** Ends a session as another instance does. */
const endElsewhere = (id: string) =>
  rpc.repository.transaction(aCall(), ({ sessions }) => sessions.end(id, "revoked"));

const inactive = { $typeName: "auth.v1.IntrospectTokenResponse", active: false, claims: undefined };

describe("IntrospectToken", () => {
  test("answers the claims of a good token, field by field", async () => {
    rpc.clocks.pass(1_234);
    const now = rpc.clocks.databaseMs - 234;
    const { session, tokens: issued } = await rpc.signIn();
    const answer = await tokens.introspectToken({ token: issued.accessToken, audience });
    expect(answer).toEqual({
      $typeName: "auth.v1.IntrospectTokenResponse",
      active: true,
      claims: {
        $typeName: "auth.v1.TokenClaims",
        issuer: "http://127.0.0.1:8080",
        subject: rpc.user.id,
        audience,
        expireTime: timestampFromMs(now + 5 * minute),
        issueTime: timestampFromMs(now),
        tokenId: claimsIn(issued.accessToken).jti,
        clientId: client.id,
        sessionId: session.id,
      },
    });
  });

  test("answers nothing else of one that is not, whatever the cause: the same bytes", async () => {
    const { tokens: good } = await rpc.signIn();
    const { session, tokens: ended } = await rpc.signIn();
    await rpc.sessions.revokeSession({ id: session.id });
    const [header, , signature] = good.accessToken.split(".");
    const claims = { ...claimsIn(good.accessToken), aud: "orders" };
    const forged = Buffer.from(JSON.stringify(claims)).toString("base64url");
    const texts = [
      ended.accessToken,
      `${header}.${forged}.${signature}`,
      good.refreshToken,
      "x",
      "a".repeat(4_097),
      "a".repeat(500_000),
    ];
    const answers = [await tokens.introspectToken({ token: good.accessToken, audience: "orders" })];
    for (const token of texts) answers.push(await tokens.introspectToken({ token }));
    rpc.clocks.pass(5 * minute);
    answers.push(await tokens.introspectToken({ token: good.accessToken }));
    for (const answer of answers) {
      expect(answer).toEqual(inactive);
      expect(toBinary(IntrospectTokenResponseSchema, answer)).toEqual(
        toBinary(IntrospectTokenResponseSchema, create(IntrospectTokenResponseSchema)),
      );
    }
  });

  test("from memory only where it may be old", async () => {
    const { session, tokens: issued } = await rpc.signIn();
    const token = issued.accessToken;
    await tokens.introspectToken({ token });
    await endElsewhere(session.id);
    const active = async (maxStaleness?: { seconds?: bigint; nanos?: number }) =>
      (await tokens.introspectToken({ token, ...(maxStaleness && { maxStaleness }) })).active;
    expect(await active({ seconds: 300n })).toBe(true);
    expect(await active({ nanos: 1 })).toBe(false);
    expect(await active({ seconds: 0n })).toBe(false);
    expect(await active()).toBe(false);
    // That it has ended is what is remembered now.
    expect(await active({ seconds: 300n })).toBe(false);
  });

  const user = () => ({ id: rpc.user.id });
  test.each<[string, (signIn: SignIn) => Promise<unknown>]>([
    ["RevokeSession", ({ session }) => rpc.sessions.revokeSession({ id: session.id })],
    ["RevokeUserSessions", () => rpc.sessions.revokeUserSessions({ userId: rpc.user.id })],
    ["SuspendUser", () => rpc.users.suspendUser({ ...user(), reason: "fraud" })],
    ["DeleteUser", () => rpc.users.deleteUser(user())],
    ["SetPassword", () => rpc.authentication.setPassword({ userId: rpc.user.id, password: otherPassword })],
    [
      "ChangePassword",
      () =>
        rpc.authentication.changePassword({
          userId: rpc.user.id,
          currentPassword: password,
          newPassword: otherPassword,
        }),
    ],
    [
      "a refresh token that is used again",
      async ({ tokens: { refreshToken } }) => {
        await rpc.sessions.refreshSession({ refreshToken });
        rpc.clocks.pass(minute);
        await errorOf(rpc.sessions.refreshSession({ refreshToken }));
      },
    ],
    [
      "more sessions than a user may have",
      async () => {
        rpc.clocks.pass(1);
        for (let i = 0; i < 100; i++) await rpc.signIn();
      },
    ],
  ])("an end by this instance is seen at once, however old the answer may be: %s", async (_name, end) => {
    const signIn = await rpc.signIn();
    const request = { token: signIn.tokens.accessToken, maxStaleness: { seconds: 300n } };
    expect((await tokens.introspectToken(request)).active).toBe(true);
    await end(signIn);
    expect((await tokens.introspectToken(request)).active).toBe(false);
  });

  test("what goes on behind the end of all others is remembered as live", async () => {
    const [kept, ended] = [await rpc.signIn(), await rpc.signIn()];
    const active = async ({ tokens: { accessToken } }: SignIn) =>
      (await tokens.introspectToken({ token: accessToken, maxStaleness: { seconds: 300n } })).active;
    expect([await active(kept), await active(ended)]).toEqual([true, true]);
    await rpc.sessions.revokeUserSessions({ userId: rpc.user.id, exceptSessionId: kept.session.id });
    expect([await active(kept), await active(ended)]).toEqual([true, false]);
  });
});

describe("BatchIntrospectTokens", () => {
  test("has a result for each token, in order", async () => {
    const [a, b] = [await rpc.signIn(), await rpc.signIn()];
    const [tokenA, tokenB] = [a.tokens.accessToken, b.tokens.accessToken];
    const { results } = await tokens.batchIntrospectTokens({ tokens: [tokenB, "x", tokenA, "", tokenB] });
    expect(results.map(({ claims }) => claims?.sessionId)).toEqual([
      b.session.id,
      undefined,
      a.session.id,
      undefined,
      b.session.id,
    ]);
    expect(results[0]).toEqual(await tokens.introspectToken({ token: tokenB }));
    expect(results[1]).toEqual(inactive);
    expect(results[3]).toEqual(inactive);
  });

  test("takes an audience and an age as one token does", async () => {
    const { session, tokens: issued } = await rpc.signIn();
    const request = { tokens: [issued.accessToken] };
    const active = async (changes: object) =>
      (await tokens.batchIntrospectTokens({ ...request, ...changes })).results.map((result) => result.active);
    expect(await active({ audience })).toEqual([true]);
    expect(await active({ audience: "orders" })).toEqual([false]);
    await endElsewhere(session.id);
    expect(await active({ maxStaleness: durationFromMs(minute) })).toEqual([true]);
    expect(await active({})).toEqual([false]);
  });

  test("takes 500 at once", async () => {
    const { tokens: issued } = await rpc.signIn();
    const { results } = await tokens.batchIntrospectTokens({ tokens: Array(500).fill(issued.accessToken) });
    expect(results.filter(({ active }) => active)).toHaveLength(500);
  });
});

describe("RevokeSigningKey", () => {
  test("takes the key out of the set, ends its tokens and answers the one that signs now", async () => {
    const { tokens: issued } = await rpc.signIn();
    const [kid = ""] = (await tokens.getJwks({})).keys.map((key) => key.kid);
    const answer = await tokens.revokeSigningKey({ kid: kid.toUpperCase() });
    expect((await tokens.getJwks({})).keys.map((key) => key.kid)).toEqual([answer.signingKid]);
    expect(await tokens.introspectToken({ token: issued.accessToken })).toEqual(inactive);
    const { tokens: next } = await rpc.sessions.refreshSession({ refreshToken: issued.refreshToken });
    expect((await tokens.introspectToken({ token: next?.accessToken ?? "" })).active).toBe(true);
    expect(await tokens.revokeSigningKey({ kid })).toEqual(answer);
  });

  test("of a key that there is not is not found", async () => {
    await expect(tokens.revokeSigningKey({ kid: randomUUID() })).rejects.toMatchObject({
      code: Code.NotFound,
      rawMessage: "signing key not found; GetJwks lists the key IDs",
    });
  });
});

describe("GetJwks", () => {
  test("answers the public halves of the keys, field by field, and how long they may be kept", async () => {
    const [key] = rpc.services.keyRing.published();
    expect(await tokens.getJwks({})).toEqual({
      $typeName: "auth.v1.GetJwksResponse",
      keys: [
        {
          $typeName: "auth.v1.JsonWebKey",
          kid: key?.id,
          kty: "EC",
          alg: "ES256",
          use: "sig",
          crv: "P-256",
          x: expect.stringMatching(/^[\w-]{43}$/),
          y: expect.stringMatching(/^[\w-]{43}$/),
        },
      ],
      maxAge: durationFromMs(5 * minute),
    });
  });

  test("has the next key first", async () => {
    const before = await tokens.getJwks({});
    rpc.clocks.pass(30 * day);
    await rpc.services.keyRing.maintain(aCall());
    const after = await tokens.getJwks({});
    expect(after.keys).toHaveLength(2);
    expect(after.keys[1]).toEqual(before.keys[0]);
  });
});
