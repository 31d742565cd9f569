import { randomUUID } from "node:crypto";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { beforeEach, describe, expect, test } from "vitest";
import { Event_Type } from "../../../src/gen/auth/v1/event_pb.ts";
import { Session_EndReason, Session_State } from "../../../src/gen/auth/v1/session_pb.ts";
import { User_State } from "../../../src/gen/auth/v1/user_pb.ts";
import { claimsIn, client } from "../../support/clocked-services.ts";
import { day, hour, minute } from "../../support/clocks.ts";
import { errorOf } from "../../support/rpc.ts";
import { audience, otherPassword, password } from "../../support/services.ts";
import { type RpcWithAda, rpcWithAda } from "../../support/signed-in-rpc.ts";

let rpc: RpcWithAda;

beforeEach(async () => {
  rpc = await rpcWithAda();
});

const request = { identifier: "ada", password, audience, client };

describe("Authenticate", () => {
  test("answers the user, the session and its tokens, field by field", async () => {
    rpc.clocks.pass(1_234);
    const now = rpc.clocks.databaseMs;
    const answer = await rpc.authentication.authenticate(request);
    expect(answer.user).toEqual(rpc.user);
    expect(answer.session).toEqual({
      $typeName: "auth.v1.Session",
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      userId: rpc.user.id,
      audience,
      client: { $typeName: "auth.v1.Client", ...client },
      state: Session_State.LIVE,
      createTime: timestampFromMs(now),
      refreshTime: timestampFromMs(now),
      idleExpireTime: timestampFromMs(now + day),
      expireTime: timestampFromMs(now + 30 * day),
      endTime: undefined,
      endReason: Session_EndReason.UNSPECIFIED,
      caller: "anonymous",
    });
    expect(answer.tokens).toEqual({
      $typeName: "auth.v1.Tokens",
      accessToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      accessTokenExpireTime: timestampFromMs(now + 5 * minute - 234),
      refreshToken: expect.stringMatching(/^rt1_[\w-]{72}$/),
      refreshTokenExpireTime: timestampFromMs(now + day),
    });
    const { iss, aud, sub, sid, client_id } = claimsIn(answer.tokens?.accessToken ?? "");
    expect({ iss, aud, sub, sid, client_id }).toEqual({
      iss: "http://127.0.0.1:8080",
      aud: audience,
      sub: rpc.user.id,
      sid: answer.session?.id,
      client_id: client.id,
    });
  });

  test.each([
    { id: "ios" },
    { id: "A", displayName: "Adas Gerät 📱", userAgent: "x".repeat(512), ipAddress: "203.0.113.7" },
    {
      id: `a${"._:/-".repeat(25)}zz`,
      displayName: "é".repeat(128),
      userAgent: "",
      ipAddress: "::ffff:1.2.3.4",
    },
  ])("keeps the client as it was told: %j", async (told) => {
    const { session } = await rpc.authentication.authenticate({ ...request, client: told });
    expect(session?.client).toMatchObject({ displayName: "", userAgent: "", ipAddress: "", ...told });
  });

  test("says why not", async () => {
    const call = (changes: object) => errorOf(rpc.authentication.authenticate({ ...request, ...changes }));
    const wrong = await call({ password: otherPassword });
    expect(wrong).toMatchObject({
      code: Code.Unauthenticated,
      reason: "CREDENTIALS_INVALID",
      message: "identifier or password is wrong",
      fields: [],
    });
    const unknown = await call({ identifier: "unknown" });
    expect({ ...unknown, requestId: "" }).toEqual({ ...wrong, requestId: "" });
    expect(await call({ audience: "other" })).toMatchObject({
      code: Code.InvalidArgument,
      reason: "AUDIENCE_UNKNOWN",
      fields: ["audience"],
    });
  });

  test("leaves no secret in the log", async () => {
    const { tokens } = await rpc.signIn();
    await rpc.sessions.refreshSession({ refreshToken: tokens.refreshToken });
    await rpc.sessions.refreshSession({ refreshToken: "rt1_nonsense" }).catch(() => {});
    await rpc.authentication.authenticate({ ...request, password: otherPassword }).catch(() => {});
    const log = JSON.stringify([rpc.log, rpc.services.warnings]);
    for (const secret of [password, otherPassword, tokens.accessToken, tokens.refreshToken, "rt1_"]) {
      expect(log).not.toContain(secret);
    }
  });
});

describe("ChangePassword", () => {
  const change = (keepSessionId?: string) =>
    rpc.authentication.changePassword({
      userId: rpc.user.id,
      currentPassword: password,
      newPassword: otherPassword,
      ...(keepSessionId === undefined ? {} : { keepSessionId }),
    });
  const states = async (...ids: string[]) =>
    Promise.all(ids.map(async (id) => (await rpc.sessions.getSession({ id })).session?.endReason));

  test("ends all sessions but the one that is kept", async () => {
    const [a, b] = [await rpc.signIn(), await rpc.signIn()];
    await change(a.session.id);
    expect(await states(a.session.id, b.session.id)).toEqual([
      Session_EndReason.UNSPECIFIED,
      Session_EndReason.PASSWORD_CHANGED,
    ]);
  });

  test("ends all sessions where none is kept", async () => {
    const { session } = await rpc.signIn();
    await change();
    expect(await states(session.id)).toEqual([Session_EndReason.PASSWORD_CHANGED]);
  });

  test("SetPassword ends all sessions", async () => {
    const { session } = await rpc.signIn();
    await rpc.authentication.setPassword({
      userId: rpc.user.id,
      password: otherPassword,
      requestId: randomUUID(),
    });
    expect(await states(session.id)).toEqual([Session_EndReason.PASSWORD_CHANGED]);
  });
});

test("a session's times have milliseconds", async () => {
  rpc.clocks.pass(hour + 7);
  const { session } = await rpc.signIn();
  expect(session.createTime?.nanos).toBe(7_000_000);
});

describe("a device token", () => {
  const wrong = { identifier: "ada", password: otherPassword };

  test("is answered if it is asked for, by both methods, and keeps strangers from locking its device out", async () => {
    expect((await rpc.authentication.authenticate(request)).deviceToken).toBe("");
    expect((await rpc.authentication.verifyPassword({ identifier: "ada", password })).deviceToken).toBe("");
    const remember = { rememberDevice: true };
    const signedIn = await rpc.authentication.authenticate({ ...request, ...remember });
    const verified = await rpc.authentication.verifyPassword({ identifier: "ada", password, ...remember });
    const tokens = [signedIn.deviceToken, verified.deviceToken];
    for (const token of tokens) expect(token).toMatch(/^auth_dt_[\w-]{43}$/);
    for (let guesses = 0; guesses < 10; guesses++) await errorOf(rpc.authentication.verifyPassword(wrong));
    const locked = { code: Code.ResourceExhausted, reason: "TOO_MANY_ATTEMPTS", retryAfterMs: 30_000 };
    expect(await errorOf(rpc.authentication.authenticate(request))).toMatchObject(locked);
    for (const deviceToken of tokens) {
      expect((await rpc.authentication.authenticate({ ...request, deviceToken })).session).toBeDefined();
      expect(
        (await rpc.authentication.verifyPassword({ identifier: "ada", password, deviceToken })).user,
      ).toEqual(rpc.user);
    }
  });

  test("is at most 128 bytes", async () => {
    const deviceToken = "x".repeat(129);
    expect(await errorOf(rpc.authentication.authenticate({ ...request, deviceToken }))).toMatchObject({
      reason: "INVALID_REQUEST",
      fields: ["device_token"],
    });
  });
});

describe("UnlockUser and UnlockUsers", () => {
  const lock = async () => {
    for (let guesses = 0; guesses < 10; guesses++) {
      await errorOf(rpc.authentication.verifyPassword({ identifier: "ada", password: otherPassword }));
    }
  };

  test("end a lockout, with events", async () => {
    await lock();
    expect((await rpc.users.unlockUser({ id: rpc.user.id })).user).toEqual(rpc.user);
    await rpc.authentication.verifyPassword({ identifier: "ada", password });
    await lock();
    expect(await rpc.users.unlockUsers({ filter: { state: User_State.ACTIVE } })).toMatchObject({
      unlockedCount: 1,
      nextPageToken: "",
    });
    await rpc.authentication.verifyPassword({ identifier: "ada", password });
    const types = [Event_Type.ACCOUNT_LOCKED, Event_Type.ACCOUNT_UNLOCKED];
    const { events } = await rpc.events.listEvents({ filter: { userId: rpc.user.id, types } });
    expect(events.map(({ type }) => type).toSorted()).toEqual([...types, ...types].toSorted());
  });

  test("refuse what is not a user, a filter or a page", async () => {
    expect(await errorOf(rpc.users.unlockUser({ id: randomUUID() }))).toMatchObject({
      code: Code.NotFound,
      reason: "USER_NOT_FOUND",
    });
    expect(await errorOf(rpc.users.unlockUser({ id: "ada" }))).toMatchObject({ fields: ["id"] });
    expect(await errorOf(rpc.users.unlockUsers({ pageSize: -1 }))).toMatchObject({ fields: ["page_size"] });
    expect(await errorOf(rpc.users.unlockUsers({ pageToken: "x" }))).toMatchObject({
      reason: "PAGE_TOKEN_INVALID",
    });
  });
});
