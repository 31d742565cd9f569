import { randomBytes, randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import type { Call } from "../../../src/domain/call.ts";
import { Secret } from "../../../src/domain/secret.ts";
import { SessionService } from "../../../src/domain/session/session-service.ts";
import { SessionStatuses } from "../../../src/domain/token/session-statuses.ts";
import { AesPageTokens } from "../../../src/infrastructure/crypto/aes-page-tokens.ts";
import { HmacRefreshTokens } from "../../../src/infrastructure/crypto/hmac-refresh-tokens.ts";
import { askedOf } from "../../support/asked.ts";
import { aCall } from "../../support/calls.ts";
import { type ClockedServices, changeOf, claimsIn, clockedServices } from "../../support/clocked-services.ts";
import { type Clocks, day, hour, minute, second } from "../../support/clocks.ts";
import { auditEvents } from "../../support/events.ts";
import { otherPassword, password } from "../../support/services.ts";
import { tokenParts } from "../../support/token-parts.ts";

let services: ClockedServices;
let clocks: Clocks;

beforeEach(async () => {
  services = await clockedServices({
    AUTH_SESSION_IDLE: "1h",
    AUTH_SESSION_ABSOLUTE: "3h",
    AUTH_REFRESH_LEEWAY: "10s",
    AUTH_ACCESS_TOKEN_LIFETIME: "5m",
  });
  clocks = services.clocks;
  await services.create("ada");
});

const refresh = (token: string) => services.refresh(token);
const get = (id: string) => services.sessions.get(aCall(), id);
const invalid = {
  name: "DomainError",
  reason: "REFRESH_TOKEN_INVALID",
  message: "the refresh token is invalid, expired or revoked; sign in again",
};

describe("refresh", () => {
  test("answers the session as it is now, and new tokens of it", async () => {
    const first = await services.signIn("ada");
    clocks.pass(20 * minute);
    const { session, tokens } = await refresh(first.tokens.refreshToken);
    const now = clocks.databaseMs;
    expect(session).toEqual({
      ...first.session,
      generation: 2,
      refreshTime: new Date(now),
      idleExpireTime: new Date(now + hour),
    });
    expect(await get(session.id)).toEqual(session);
    expect(tokens.refreshToken).not.toBe(first.tokens.refreshToken);
    expect(tokens.refreshTokenExpireTime).toEqual(session.idleExpireTime);
    expect(tokens.accessTokenExpireTime).toEqual(new Date(now + 5 * minute));
    const [before, after] = [claimsIn(first.tokens.accessToken), claimsIn(tokens.accessToken)];
    expect(after).toEqual({ ...before, iat: now / 1_000, exp: now / 1_000 + 300, jti: after.jti });
    expect(after.jti).not.toBe(before.jti);
    expect(await services.introspect(tokens.accessToken)).toEqual(after);
  });

  test("goes on and on, each token once", async () => {
    let { refreshToken } = (await services.signIn("ada")).tokens;
    const seen = new Set([refreshToken]);
    for (let i = 0; i < 10; i++) {
      clocks.pass(minute);
      refreshToken = (await refresh(refreshToken)).tokens.refreshToken;
      seen.add(refreshToken);
    }
    expect(seen.size).toBe(11);
  });

  test("leaves the user's other sessions alone", async () => {
    const [a, b] = [await services.signIn("ada"), await services.signIn("ada")];
    await refresh(a.tokens.refreshToken);
    expect(await get(b.session.id)).toEqual(b.session);
    expect((await refresh(b.tokens.refreshToken)).session.id).toBe(b.session.id);
  });

  test("within the leeway answers the same successor again, however often, also at once", async () => {
    const { tokens } = await services.signIn("ada");
    const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(tokens.refreshToken)));
    clocks.pass(10 * second - 1);
    answers.push(await refresh(tokens.refreshToken));
    expect(new Set(answers.map((answer) => answer.tokens.refreshToken)).size).toBe(1);
    expect(new Set(answers.map(({ session }) => JSON.stringify(session))).size).toBe(1);
    // An access token is nobody's secret twice.
    expect(new Set(answers.map((answer) => answer.tokens.accessToken)).size).toBe(answers.length);
    expect(services.warnings).toEqual([]);
    await refresh(answers[0]?.tokens.refreshToken ?? "");
  });

  test.each([
    ["after the leeway", 10 * second],
    ["long after the leeway", 50 * minute],
  ])("again %s ends the session, and says so once", async (_when, ms) => {
    const { session, tokens } = await services.signIn("ada");
    const successor = await refresh(tokens.refreshToken);
    clocks.pass(ms);
    await expect(refresh(tokens.refreshToken)).rejects.toMatchObject(invalid);
    expect(await get(session.id)).toMatchObject({
      state: "revoked",
      endReason: "refresh-token-reused",
      endTime: clocks.database(),
    });
    await expect(refresh(successor.tokens.refreshToken)).rejects.toMatchObject(invalid);
    await expect(refresh(tokens.refreshToken)).rejects.toMatchObject(invalid);
    expect(services.warnings).toEqual([
      {
        message: "refresh token reused: session ended",
        fields: { sessionId: session.id, userId: session.userId },
      },
    ]);
    expect(await services.introspect(successor.tokens.accessToken)).toBeUndefined();
  });

  test("with the token before the one before ends the session, also within the leeway", async () => {
    const { session, tokens } = await services.signIn("ada");
    const second = await refresh(tokens.refreshToken);
    const third = await refresh(second.tokens.refreshToken);
    await expect(refresh(tokens.refreshToken)).rejects.toMatchObject(invalid);
    expect(await get(session.id)).toMatchObject({ state: "revoked", endReason: "refresh-token-reused" });
    for (const { tokens } of [second, third]) {
      await expect(refresh(tokens.refreshToken)).rejects.toMatchObject(invalid);
    }
    expect(services.warnings).toHaveLength(1);
    expect(JSON.stringify(services.warnings)).not.toContain("rt1_");
  });

  test("with what is no token of ours asks the database nothing", async () => {
    const { session, tokens } = await services.signIn("ada");
    const grant = { sessionId: session.id, generation: 1 };
    const forged = new HmacRefreshTokens(randomBytes(32)).seal(grant);
    const asked = askedOf(services.repository);
    for (const text of [
      "",
      "x",
      forged,
      `${tokens.refreshToken}A`,
      tokens.refreshToken.slice(0, -1),
      tokens.refreshToken.toUpperCase(),
      ` ${tokens.refreshToken}`,
      tokens.accessToken,
      session.id,
      "🙂".repeat(1_000),
    ]) {
      await expect(refresh(text)).rejects.toMatchObject(invalid);
    }
    expect(asked).toEqual([]);
    await refresh(tokens.refreshToken);
    expect(asked.map(({ what }) => what)).toEqual(["sessions.refresh"]);
  });

  test("where the keys to sign with cannot be opened uses up no token", async () => {
    const { session } = await services.signIn("ada");
    const { issuer, refreshTokens } = tokenParts(services.repository, clocks);
    const withOtherWrappingKey = new SessionService({
      repository: services.repository,
      limits: { idleMs: hour, absoluteMs: hour, leewayMs: 0, perUser: 100 },
      issuer,
      refreshTokens,
      pageTokens: new AesPageTokens(randomBytes(32)),
      events: auditEvents,
      statuses: new SessionStatuses(services.repository, clocks.monotonicMs),
      onReuse: () => expect.fail("a token was used up"),
    });
    const token = refreshTokens.seal({ sessionId: session.id, generation: 1 });
    await expect(withOtherWrappingKey.refresh(aCall(), new Secret(token))).rejects.toThrow(
      "not one of the wrapping keys",
    );
    expect(await get(session.id)).toEqual(session);
  });

  test("is one round trip", async () => {
    const { tokens } = await services.signIn("ada");
    const asked = askedOf(services.repository);
    const next = await refresh(tokens.refreshToken);
    await refresh(tokens.refreshToken);
    await refresh(next.tokens.refreshToken);
    await refresh(tokens.refreshToken).catch(() => {});
    expect(asked.map(({ what }) => what)).toEqual(Array(4).fill("sessions.refresh"));
  });
});

describe("the limits of a session", () => {
  test("it lives until it was idle for too long, and no longer", async () => {
    const { session, tokens } = await services.signIn("ada");
    clocks.pass(hour - 1);
    expect((await get(session.id)).state).toBe("live");
    const next = await refresh(tokens.refreshToken);
    clocks.pass(hour);
    expect(await get(session.id)).toMatchObject({
      state: "expired",
      endTime: undefined,
      endReason: undefined,
    });
    await expect(refresh(next.tokens.refreshToken)).rejects.toMatchObject(invalid);
    // It has not been used twice: nobody is warned.
    await expect(refresh(tokens.refreshToken)).rejects.toMatchObject(invalid);
    expect(services.warnings).toEqual([]);
  });

  test("it lives until its absolute limit however often it is refreshed, and no longer", async () => {
    const { session, tokens } = await services.signIn("ada");
    const end = session.createTime.getTime() + 3 * hour;
    expect(session.expireTime).toEqual(new Date(end));
    let refreshed = await refresh(tokens.refreshToken);
    while (clocks.databaseMs < end - 2 * minute) {
      clocks.pass(2 * minute);
      refreshed = await refresh(refreshed.tokens.refreshToken);
      expect(refreshed.session.expireTime).toEqual(new Date(end));
      expect(refreshed.session.idleExpireTime.getTime()).toBeLessThanOrEqual(end);
      expect(refreshed.tokens.accessTokenExpireTime.getTime()).toBeLessThanOrEqual(end);
    }
    expect(refreshed.session.idleExpireTime).toEqual(new Date(end));
    expect(refreshed.tokens.refreshTokenExpireTime).toEqual(new Date(end));
    expect(refreshed.tokens.accessTokenExpireTime).toEqual(new Date(end));
    clocks.pass(end - clocks.databaseMs);
    expect((await get(session.id)).state).toBe("expired");
    await expect(refresh(refreshed.tokens.refreshToken)).rejects.toMatchObject(invalid);
    expect(await services.introspect(refreshed.tokens.accessToken)).toBeUndefined();
  });

  test("it is kept for a week after its absolute limit and is then forgotten", async () => {
    const { session } = await services.signIn("ada");
    clocks.pass(3 * hour + 7 * day);
    await services.sessions.forgetOld(aCall());
    expect((await get(session.id)).state).toBe("expired");
    clocks.pass(1);
    await services.sessions.forgetOld(aCall());
    await expect(get(session.id)).rejects.toMatchObject({ reason: "SESSION_NOT_FOUND" });
  });
});

test("all that makes a refresh token no good has one answer, and it makes the access token no good too", async () => {
  const causes: Record<string, (user: { id: string }, sessionId: string) => Promise<unknown>> = {
    revoked: (_user, id) => services.sessions.revoke(aCall(), id),
    "revoked with all": ({ id }) => services.sessions.revokeAll(aCall(), id, undefined),
    suspended: (user) =>
      services.users.suspend(aCall(), { ...changeOf(user), reason: "r", untilTime: undefined }),
    deleted: (user) => services.users.delete(aCall(), changeOf(user)),
    "given another password": ({ id: userId }) =>
      services.authentication.setPassword(aCall(), {
        userId,
        password: new Secret(otherPassword),
        requestId: undefined,
      }),
    "changing the password": ({ id: userId }) =>
      services.authentication.changePassword(aCall(), {
        userId,
        currentPassword: new Secret(password),
        newPassword: new Secret(otherPassword),
        keepSessionId: undefined,
        requestId: undefined,
      }),
  };
  const errors = [];
  for (const [i, end] of Object.values(causes).entries()) {
    const user = await services.create(`user-${i}`);
    const { session, tokens } = await services.signIn(`user-${i}`);
    expect(await services.introspect(tokens.accessToken)).toBeDefined();
    await end(user, session.id);
    errors.push(await refresh(tokens.refreshToken).catch((error) => error));
    expect(await services.introspect(tokens.accessToken)).toBeUndefined();
  }
  errors.push(await refresh("x").catch((error) => error));
  for (const { name, reason, message, kind, violations, retryAfterMs } of errors) {
    expect({ name, reason, message }).toEqual(invalid);
    expect({ kind, violations, retryAfterMs }).toEqual({
      kind: "unauthenticated",
      violations: [],
      retryAfterMs: undefined,
    });
  }
  expect(services.warnings).toEqual([]);
});

describe("revoke", () => {
  test("ends one session, answers it, and is safe to repeat", async () => {
    const [one, other] = [await services.signIn("ada"), await services.signIn("ada")];
    clocks.pass(minute);
    const revoked = await services.sessions.revoke(aCall(), one.session.id.toUpperCase());
    expect(revoked).toEqual({
      ...one.session,
      state: "revoked",
      endTime: clocks.database(),
      endReason: "revoked",
    });
    clocks.pass(minute);
    expect(await services.sessions.revoke(aCall(), one.session.id)).toEqual(revoked);
    expect(await get(one.session.id.toUpperCase())).toEqual(revoked);
    expect((await get(other.session.id)).state).toBe("live");
  });

  test("of an expired session leaves it expired, and of none says so", async () => {
    const { session } = await services.signIn("ada");
    clocks.pass(hour);
    expect(await services.sessions.revoke(aCall(), session.id)).toMatchObject({
      state: "expired",
      endTime: undefined,
    });
    await expect(services.sessions.revoke(aCall(), randomUUID())).rejects.toMatchObject({
      reason: "SESSION_NOT_FOUND",
    });
    await expect(get(randomUUID())).rejects.toMatchObject({ reason: "SESSION_NOT_FOUND" });
  });
});

describe("a session belongs to the caller that began it", () => {
  const another = (...grants: string[]) => ({
    ...aCall(),
    origin: { ...aCall().origin, caller: "spiffe://test.example/another" },
    may: (grant: string) => grants.includes(grant),
  });
  const itself = () => ({ ...aCall(), may: () => false });
  const refreshBy = (call: Call, token: string) => services.sessions.refresh(call, new Secret(token));

  test("which refreshes it without another permission", async () => {
    const { session, tokens } = await services.signIn("ada");
    expect(session.caller).toBe(aCall().origin.caller);
    expect((await refreshBy(itself(), tokens.refreshToken)).session.generation).toBe(2);
  });

  test("and no other caller refreshes it, uses its token up or ends it", async () => {
    const { session, tokens } = await services.signIn("ada");
    const next = await refresh(tokens.refreshToken);
    clocks.pass(minute);
    for (const token of [tokens.refreshToken, next.tokens.refreshToken]) {
      await expect(refreshBy(another("sessions.refresh"), token)).rejects.toMatchObject({
        reason: "PERMISSION_DENIED",
        message: expect.stringMatching(
          /^the session was created by another caller; .*"sessions\.refreshAny"$/,
        ),
      });
    }
    expect(await get(session.id)).toEqual(next.session);
    expect((await refresh(next.tokens.refreshToken)).session.generation).toBe(3);
  });

  test("but one that may refresh any", async () => {
    const { tokens } = await services.signIn("ada");
    const { session } = await refreshBy(another("sessions.refreshAny"), tokens.refreshToken);
    expect(session).toMatchObject({ generation: 2, caller: aCall().origin.caller });
  });

  test("what is no good has one answer for all callers, also of a session that is not there", async () => {
    const { session, tokens } = await services.signIn("ada");
    await services.sessions.revoke(aCall(), session.id);
    await expect(refreshBy(itself(), tokens.refreshToken)).rejects.toMatchObject(invalid);
    await expect(refreshBy(another(), "rt1_x")).rejects.toMatchObject(invalid);
  });
});

describe("revokeAll", () => {
  const revokeAll = (userId: string, except?: string) => services.sessions.revokeAll(aCall(), userId, except);

  test("ends the live sessions of one user", async () => {
    const ada = [await services.signIn("ada"), await services.signIn("ada"), await services.signIn("ada")];
    await services.create("bob");
    const bob = await services.signIn("bob");
    await services.sessions.revoke(aCall(), ada[0]?.session.id ?? "");
    const userId = ada[0]?.user.id ?? "";
    await revokeAll(userId.toUpperCase());
    for (const { session } of ada) expect((await get(session.id)).state).toBe("revoked");
    await revokeAll(randomUUID());
    expect((await get(bob.session.id)).state).toBe("live");
  });

  test("ends all but one", async () => {
    const [kept, ended] = [await services.signIn("ada"), await services.signIn("ada")];
    await revokeAll(kept.user.id, kept.session.id.toUpperCase());
    expect((await get(kept.session.id)).state).toBe("live");
    expect((await get(ended.session.id)).state).toBe("revoked");
    await services.create("bob");
    const bob = await services.signIn("bob");
    // Another user's session is no exception.
    await revokeAll(kept.user.id, bob.session.id);
    expect((await get(kept.session.id)).state).toBe("revoked");
    expect((await get(bob.session.id)).state).toBe("live");
  });
});
