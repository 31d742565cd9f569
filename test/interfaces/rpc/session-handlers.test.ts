import { randomUUID } from "node:crypto";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { beforeEach, describe, expect, test } from "vitest";
import { Session_EndReason, Session_State } from "../../../src/gen/auth/v1/session_pb.ts";
import { claimsIn } from "../../support/clocked-services.ts";
import { day, minute, second } from "../../support/clocks.ts";
import { errorOf } from "../../support/rpc.ts";
import { otherPassword } from "../../support/services.ts";
import { type RpcWithAda, rpcWithAda } from "../../support/signed-in-rpc.ts";

let rpc: RpcWithAda;
let sessions: RpcWithAda["sessions"];

beforeEach(async () => {
  rpc = await rpcWithAda();
  sessions = rpc.sessions;
});

const get = async (id: string) => (await sessions.getSession({ id })).session;
const notFound = { code: Code.NotFound, reason: "SESSION_NOT_FOUND", message: "session not found" };

describe("a session as callers see it", () => {
  test("is found by its id in any case, as it was answered", async () => {
    const { session } = await rpc.signIn();
    expect(await get(session.id.toUpperCase())).toEqual(session);
    expect(await errorOf(sessions.getSession({ id: randomUUID() }))).toMatchObject(notFound);
  });

  test("expires without an end time or a reason", async () => {
    const { session } = await rpc.signIn();
    rpc.clocks.pass(day);
    expect(await get(session.id)).toEqual({ ...session, state: Session_State.EXPIRED });
  });

  test.each<[string, Session_EndReason, (sessionId: string, refreshToken: string) => Promise<unknown>]>([
    ["RevokeSession", Session_EndReason.REVOKED, (id) => sessions.revokeSession({ id })],
    [
      "RevokeUserSessions",
      Session_EndReason.REVOKED,
      () => sessions.revokeUserSessions({ userId: rpc.user.id }),
    ],
    [
      "SuspendUser",
      Session_EndReason.USER_SUSPENDED,
      () => rpc.users.suspendUser({ id: rpc.user.id, reason: "fraud" }),
    ],
    ["DeleteUser", Session_EndReason.USER_DELETED, () => rpc.users.deleteUser({ id: rpc.user.id })],
    [
      "SetPassword",
      Session_EndReason.PASSWORD_CHANGED,
      () => rpc.authentication.setPassword({ userId: rpc.user.id, password: otherPassword }),
    ],
    [
      "a refresh token that is used again",
      Session_EndReason.REFRESH_TOKEN_REUSED,
      async (_id, refreshToken) => {
        await sessions.refreshSession({ refreshToken });
        rpc.clocks.pass(10 * second);
        await errorOf(sessions.refreshSession({ refreshToken }));
      },
    ],
  ])("ended by %s says when and why", async (_what, endReason, end) => {
    const { session, tokens } = await rpc.signIn();
    rpc.clocks.pass(minute);
    await end(session.id, tokens.refreshToken);
    expect(await get(session.id)).toMatchObject({
      state: Session_State.REVOKED,
      endTime: timestampFromMs(rpc.clocks.databaseMs),
      endReason,
      createTime: session.createTime,
      expireTime: session.expireTime,
    });
  });
});

describe("RefreshSession", () => {
  test("answers the session as it is now and new tokens, field by field", async () => {
    const first = await rpc.signIn();
    rpc.clocks.pass(10 * minute);
    const now = rpc.clocks.databaseMs;
    const { session, tokens } = await sessions.refreshSession({ refreshToken: first.tokens.refreshToken });
    expect(session).toEqual({
      ...first.session,
      refreshTime: timestampFromMs(now),
      idleExpireTime: timestampFromMs(now + day),
    });
    expect(tokens).toEqual({
      $typeName: "auth.v1.Tokens",
      accessToken: expect.any(String),
      accessTokenExpireTime: timestampFromMs(now + 5 * minute),
      refreshToken: expect.stringMatching(/^rt1_[\w-]{72}$/),
      refreshTokenExpireTime: timestampFromMs(now + day),
    });
    expect(tokens?.refreshToken).not.toBe(first.tokens.refreshToken);
    expect(claimsIn(tokens?.accessToken ?? "")).toMatchObject({
      sid: session?.id,
      sub: rpc.user.id,
      iat: now / 1_000,
    });
  });

  test("has one answer for whatever is no good", async () => {
    const { session, tokens } = await rpc.signIn();
    await sessions.revokeSession({ id: session.id });
    const errors = [
      await errorOf(sessions.refreshSession({ refreshToken: tokens.refreshToken })),
      await errorOf(sessions.refreshSession({ refreshToken: "x" })),
      await errorOf(sessions.refreshSession({ refreshToken: tokens.accessToken })),
      await errorOf(sessions.refreshSession({ refreshToken: `rt1_${"A".repeat(72)}` })),
      await errorOf(sessions.refreshSession({ refreshToken: "x".repeat(4_096) })),
    ];
    for (const error of errors) {
      expect({ ...error, requestId: undefined }).toEqual({
        code: Code.Unauthenticated,
        reason: "REFRESH_TOKEN_INVALID",
        domain: "auth",
        message: "the refresh token is invalid, expired or revoked; sign in again",
        fields: [],
        violations: [],
        retryAfterMs: undefined,
        requestId: undefined,
      });
    }
  });
});

describe("revoking", () => {
  test("RevokeSession answers the session and is safe to repeat", async () => {
    const { session } = await rpc.signIn();
    const first = await sessions.revokeSession({ id: session.id });
    expect(first.session).toEqual({
      ...session,
      state: Session_State.REVOKED,
      endTime: timestampFromMs(rpc.clocks.databaseMs),
      endReason: Session_EndReason.REVOKED,
    });
    rpc.clocks.pass(minute);
    expect(await sessions.revokeSession({ id: session.id })).toEqual(first);
    expect(await errorOf(sessions.revokeSession({ id: randomUUID() }))).toMatchObject(notFound);
  });

  test("RevokeUserSessions ends all, and lets one go on", async () => {
    const userId = rpc.user.id;
    const [kept, ...others] = [await rpc.signIn(), await rpc.signIn(), await rpc.signIn()];
    const exceptSessionId = kept.session.id;
    await sessions.revokeUserSessions({ userId, exceptSessionId });
    expect((await get(exceptSessionId))?.state).toBe(Session_State.LIVE);
    for (const { session } of others) expect((await get(session.id))?.state).toBe(Session_State.REVOKED);
    await sessions.revokeUserSessions({ userId });
    expect((await get(exceptSessionId))?.state).toBe(Session_State.REVOKED);
    await sessions.revokeUserSessions({ userId: randomUUID() });
  });
});

describe("ListSessions", () => {
  test("pages through what is live, and what has ended for who asks for it", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      rpc.clocks.pass(1);
      ids.unshift((await rpc.signIn()).session.id);
    }
    const userId = rpc.user.id;
    await sessions.revokeSession({ id: ids[2] ?? "" });
    const listed = async (request: Parameters<typeof sessions.listSessions>[0]) =>
      (await sessions.listSessions({ userId, ...request })).sessions.map(({ id }) => ids.indexOf(id));
    expect(await listed({})).toEqual([0, 1, 3, 4]);
    expect(await listed({ showEnded: true })).toEqual([0, 1, 2, 3, 4]);
    const first = await sessions.listSessions({ userId, pageSize: 3 });
    expect(await listed({ pageToken: first.nextPageToken })).toEqual([4]);
    expect(first.sessions[0]).toEqual(await get(ids[0] ?? ""));
    expect(await sessions.listSessions({ userId: randomUUID() })).toMatchObject({
      sessions: [],
      nextPageToken: "",
    });
    const forOther = sessions.listSessions({ userId: randomUUID(), pageToken: first.nextPageToken });
    expect(await errorOf(forOther)).toMatchObject({
      code: Code.InvalidArgument,
      reason: "PAGE_TOKEN_INVALID",
      fields: ["page_token"],
    });
  });
});
