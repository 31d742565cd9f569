import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { AuthenticationService } from "../../../src/domain/credential/authentication-service.ts";
import type { PasswordHasher } from "../../../src/domain/credential/password-hasher.ts";
import { PasswordRules } from "../../../src/domain/credential/password-rules.ts";
import { Secret } from "../../../src/domain/secret.ts";
import { SessionStatuses } from "../../../src/domain/token/session-statuses.ts";
import { TokenIssuer } from "../../../src/domain/token/token-issuer.ts";
import type { User } from "../../../src/domain/user/user.ts";
import { Argon2PasswordHasher } from "../../../src/infrastructure/crypto/argon2-password-hasher.ts";
import { HashPool } from "../../../src/infrastructure/crypto/hash-pool.ts";
import { HmacRefreshTokens } from "../../../src/infrastructure/crypto/hmac-refresh-tokens.ts";
import { JwtAccessTokens } from "../../../src/infrastructure/crypto/jwt-access-tokens.ts";
import { CommonPasswordList } from "../../../src/infrastructure/passwords/common-password-list.ts";
import { askedOf } from "../../support/asked.ts";
import { aCall, origin } from "../../support/calls.ts";
import {
  type ClockedServices,
  changeOf,
  claimsIn,
  client,
  clockedServices,
} from "../../support/clocked-services.ts";
import { hour, minute } from "../../support/clocks.ts";
import { auditEvents } from "../../support/events.ts";
import { audience, cheapArgon2, otherPassword, password, servicesOn } from "../../support/services.ts";

let services: ClockedServices;

beforeEach(async () => {
  services = await clockedServices({
    AUTH_ISSUER: "https://auth.test",
    AUTH_AUDIENCES: `orders,${audience}`,
    AUTH_SESSION_IDLE: "1h",
    AUTH_SESSION_ABSOLUTE: "3h",
    AUTH_ACCESS_TOKEN_LIFETIME: "5m",
  });
});

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const invalid = { reason: "CREDENTIALS_INVALID", message: "identifier or password is wrong" };
const input = { identifier: "ada", password: new Secret(password), audience, client };
const hashOf = async ({ id }: { id: string }) =>
  (await services.repository.read(aCall()).credentials.find({ kind: "id", id }))?.passwordHash;
const sessionsOf = async ({ id: userId }: { id: string }) => {
  const all = { userId, showEnded: true, pageSize: 0, pageToken: "" };
  return (await services.sessions.list(aCall(), all)).sessions;
};

const passwordRules = new PasswordRules({
  policy: { minLength: 15, maxLength: 256 },
  common: new CommonPasswordList(),
  serviceWords: new Set(),
  breachCheck: undefined,
  onCheckFailure: (error) => expect.fail(String(error)),
});

/** The service with another hasher. */
function authenticationWith(
  hasher: PasswordHasher,
  onRehashFailure = (error: unknown): void => expect.fail(String(error)),
): AuthenticationService {
  return new AuthenticationService({
    repository: services.repository,
    mutations: services.mutations,
    hasher,
    passwordRules,
    toAscii: (domain) => domain,
    audiences: new Set([audience]),
    sessionLimits: { idleMs: hour, absoluteMs: hour, leewayMs: 0, perUser: 100 },
    issuer: new TokenIssuer({
      issuer: "https://auth.test",
      accessTokenLifetimeMs: minute,
      accessTokens: new JwtAccessTokens(),
      refreshTokens: new HmacRefreshTokens(randomBytes(32)),
      keyRing: services.keyRing,
      newId: () => crypto.randomUUID(),
    }),
    attempts: services.attempts,
    devices: services.devices,
    events: auditEvents,
    statuses: new SessionStatuses(services.repository, services.clocks.monotonicMs),
    newId: () => crypto.randomUUID(),
    onRehashFailure,
  });
}

const poolOf = (concurrency: number, queueLimit: number) =>
  new HashPool({ concurrency, queueLimit, memoryKib: 262_144, unitMs: 25 });
const hasherOf = (iterations = 1, pool = poolOf(2, 100)) =>
  new Argon2PasswordHasher(pool, { ...cheapArgon2, iterations });

describe("a sign-in", () => {
  test("answers the user, a session and its tokens", async () => {
    const ada = await services.create("ada");
    services.clocks.pass(1_234);
    const now = services.clocks.databaseMs;
    const { user, session, tokens } = await services.signIn("ada", { audience: "orders" });
    expect(user).toEqual(ada);
    expect(session).toEqual({
      id: expect.stringMatching(uuid),
      userId: ada.id,
      caller: origin.caller,
      audience: "orders",
      client,
      state: "live",
      generation: 1,
      createTime: new Date(now),
      refreshTime: new Date(now),
      idleExpireTime: new Date(now + hour),
      expireTime: new Date(now + 3 * hour),
      endTime: undefined,
      endReason: undefined,
    });
    expect(await services.sessions.get(aCall(), session.id)).toEqual(session);
    const iat = Math.floor(now / 1_000);
    const exp = Math.floor((now + 5 * minute) / 1_000);
    expect(tokens).toEqual({
      accessToken: expect.any(String),
      accessTokenExpireTime: new Date(exp * 1_000),
      refreshToken: expect.stringMatching(/^rt1_/),
      refreshTokenExpireTime: session.idleExpireTime,
    });
    const claims = claimsIn(tokens.accessToken);
    expect(claims).toEqual({
      iss: "https://auth.test",
      sub: ada.id,
      aud: "orders",
      exp,
      iat,
      jti: expect.stringMatching(uuid),
      client_id: client.id,
      sid: session.id,
    });
    expect(await services.introspect(tokens.accessToken)).toEqual(claims);
  });

  test("takes an identifier in any form, and each begins a session of its own", async () => {
    const ada = await services.create("ada");
    const identifiers = ["ada", "Ａda", "ADA@EXAMPLE.COM", "ada@example.com", "ada"];
    const signIns = await Promise.all(identifiers.map((identifier) => services.signIn(identifier)));
    expect(new Set(signIns.map(({ session }) => session.id)).size).toBe(5);
    expect(new Set(signIns.map(({ tokens }) => tokens.refreshToken)).size).toBe(5);
    expect(await sessionsOf(ada)).toHaveLength(5);
  });

  test("asks the database three times", async () => {
    await services.create("ada");
    const asked = askedOf(services.repository);
    await services.signIn("ada");
    expect(asked.map(({ what }) => what)).toEqual([
      "attempts.begin",
      "sessions.begin",
      "sessions.exceedsCount",
    ]);
  });
});

describe("the limit of sessions for each user", () => {
  const limit = 3;
  const begun = async (count: number) => {
    const ids: string[] = [];
    for (let i = 0; i < count; i++) {
      services.clocks.pass(minute);
      ids.push((await services.signIn("ada")).session.id);
    }
    return ids;
  };
  const evictions = async () => {
    const page = await services.events.list(aCall(), {
      userId: undefined,
      types: ["session.evicted"],
      outcome: undefined,
      caller: undefined,
      createdAfter: undefined,
      createdBefore: undefined,
      pageSize: 0,
      pageToken: "",
    });
    return page.events;
  };
  let ada: User;

  beforeEach(async () => {
    services = await clockedServices({ AUTH_SESSIONS_PER_USER: String(limit) });
    ada = await services.create("ada");
  });

  test("ends the oldest session when one more begins, deletes it, and writes an event", async () => {
    const ids = await begun(limit);
    expect(await evictions()).toEqual([]);
    const [next] = await begun(1);
    expect((await sessionsOf(ada)).map(({ id }) => id)).toEqual([next, ids[2], ids[1]]);
    expect(await evictions()).toMatchObject([
      { userId: ada.id, objectId: ids[0], outcome: "success", caller: origin.caller },
    ]);
    await expect(services.sessions.get(aCall(), ids[0] ?? "")).rejects.toMatchObject({
      reason: "SESSION_NOT_FOUND",
    });
  });

  test("makes its tokens no good", async () => {
    const { tokens } = await services.signIn("ada");
    await begun(limit);
    expect(await services.introspect(tokens.accessToken)).toBeUndefined();
    await expect(services.refresh(tokens.refreshToken)).rejects.toMatchObject({
      reason: "REFRESH_TOKEN_INVALID",
    });
  });

  test("holds for sign-ins at the same moment", async () => {
    await Promise.all(Array.from({ length: 3 * limit }, () => services.signIn("ada")));
    expect(await sessionsOf(ada)).toHaveLength(limit);
    expect(await evictions()).toHaveLength(2 * limit);
  });

  test("does not count sessions that were ended, and leaves other users alone", async () => {
    const bob = await services.create("bob");
    await services.signIn("bob");
    const [first] = await begun(limit);
    await services.sessions.revoke(aCall(), first ?? "");
    await begun(1);
    expect(await evictions()).toEqual([]);
    await services.sessions.revokeAll(aCall(), ada.id, undefined);
    await begun(limit);
    expect(await evictions()).toEqual([]);
    expect(await sessionsOf(bob)).toHaveLength(1);
  });
});

describe("what is no sign-in", () => {
  test("has one answer for everything that is not good, after the same questions, and begins nothing", async () => {
    const [wrong, suspended, deleted, passwordless] = [
      await services.create("wrong"),
      await services.create("suspended"),
      await services.create("deleted"),
      await services.users.create(aCall(), {
        email: undefined,
        username: "passwordless",
        displayName: "",
        attributes: {},
        password: undefined,
        requestId: undefined,
      }),
    ];
    await services.users.suspend(aCall(), { ...changeOf(suspended), reason: "r", untilTime: undefined });
    await services.users.delete(aCall(), changeOf(deleted));
    const asked = askedOf(services.repository);
    const errors = await Promise.all([
      services.signIn("wrong", { password: otherPassword }).catch((error) => error),
      services.signIn("wrong", { password: "\u0007" }).catch((error) => error),
      services.signIn(wrong.id).catch((error) => error),
      ...["suspended", "deleted", "passwordless", "unknown", "not an identifier @@"].map((identifier) =>
        services.signIn(identifier).catch((error) => error),
      ),
    ]);
    const seen = errors.map(({ name, reason, message, kind, violations, retryAfterMs }) =>
      JSON.stringify({ name, reason, message, kind, violations, retryAfterMs }),
    );
    expect(new Set(seen).size).toBe(1);
    expect(errors[0]).toMatchObject(invalid);
    const questions = ["attempts.begin", "attempts.conclude"].flatMap((what) => Array(8).fill(what));
    expect(asked.map(({ what }) => what).sort()).toEqual(questions);
    for (const user of [wrong, suspended, deleted, passwordless]) expect(await sessionsOf(user)).toEqual([]);
  });

  test("for an audience that is none of ours costs neither a question nor a hash", async () => {
    await services.create("ada");
    const asked = askedOf(services.repository);
    const authentication = authenticationWith({
      ...refusing,
      assertCapacity: () => expect.fail("the pool was asked"),
    });
    for (const unknown of ["", "order", "orders,development", "ORDERS", "https://auth.test"]) {
      await expect(
        authentication.authenticate(aCall(), { ...input, audience: unknown }),
      ).rejects.toMatchObject({ reason: "AUDIENCE_UNKNOWN", violations: [{ field: "audience" }] });
    }
    expect(asked).toEqual([]);
  });

  test("where too many hashes wait is refused before the database is asked", async () => {
    await services.create("ada");
    const pool = poolOf(1, 0);
    const { promise, resolve } = Promise.withResolvers<void>();
    const running = pool.run(aCall(), { ms: 1, memoryKib: 1 }, () => promise);
    const asked = askedOf(services.repository);
    const authentication = authenticationWith(hasherOf(1, pool));
    await expect(authentication.authenticate(aCall(), input)).rejects.toMatchObject({
      reason: "OVERLOADED",
      retryAfterMs: expect.any(Number),
    });
    expect(asked).toEqual([]);
    resolve();
    await running;
    await authentication.authenticate(aCall(), input);
  });

  test("where the keys to sign with cannot be opened is refused before anything is hashed or begun", async () => {
    const ada = await services.create("ada");
    const withOtherWrappingKey = servicesOn(services.repository);
    const asked = askedOf(services.repository);
    await expect(withOtherWrappingKey.authentication.authenticate(aCall(), input)).rejects.toThrow(
      "which is not one of the wrapping keys",
    );
    expect(asked.map(({ what }) => what)).toEqual(["signingKeys.list"]);
    expect(await sessionsOf(ada)).toEqual([]);
  });
});

const refusing: PasswordHasher = {
  assertCapacity: () => {},
  hash: () => expect.fail("something was hashed"),
  verify: () => expect.fail("something was hashed"),
  isOutdated: () => false,
};

/** A hasher after whose every check something happens. Counts the checks. */
function interrupted(meanwhile: (check: number) => Promise<unknown>) {
  const hasher = hasherOf();
  const counted = {
    checks: 0,
    assertCapacity: () => hasher.assertCapacity(),
    hash: hasher.hash.bind(hasher),
    isOutdated: hasher.isOutdated.bind(hasher),
    async verify(...check: Parameters<PasswordHasher["verify"]>) {
      const matches = await hasher.verify(...check);
      await meanwhile(++counted.checks);
      return matches;
    },
  };
  return counted;
}

describe("what happens between the check and the beginning", () => {
  const put = async (userId: string, secret: string) => {
    const hash = await hasherOf().hash(aCall(), secret);
    await services.repository.transaction(aCall(), ({ credentials }) => credentials.put(userId, hash));
  };

  test("the same password hashed anew is looked at once more, and is good", async () => {
    const ada = await services.create("ada");
    const hasher = interrupted((check) => (check === 1 ? put(ada.id, password) : Promise.resolve()));
    const { session } = await authenticationWith(hasher).authenticate(aCall(), input);
    expect(hasher.checks).toBe(2);
    expect((await sessionsOf(ada)).map(({ id }) => id)).toEqual([session.id]);
  });

  test("another password is looked at once more, and is wrong", async () => {
    const ada = await services.create("ada");
    const hasher = interrupted(() => put(ada.id, otherPassword));
    await expect(authenticationWith(hasher).authenticate(aCall(), input)).rejects.toMatchObject(invalid);
    expect(hasher.checks).toBe(2);
    expect(await sessionsOf(ada)).toEqual([]);
  });

  test("the same password hashed anew each time is not looked at for ever", async () => {
    const ada = await services.create("ada");
    const hasher = interrupted(() => put(ada.id, password));
    await expect(authenticationWith(hasher).authenticate(aCall(), input)).rejects.toMatchObject(invalid);
    expect(hasher.checks).toBe(2);
    expect(await sessionsOf(ada)).toEqual([]);
  });

  test.each([
    [
      "suspension",
      (ada: { id: string }) =>
        services.users.suspend(aCall(), { ...changeOf(ada), reason: "r", untilTime: undefined }),
    ],
    ["deletion", (ada: { id: string }) => services.users.delete(aCall(), changeOf(ada))],
  ])("a %s keeps the user from signing in", async (_what, happens) => {
    const ada = await services.create("ada");
    const hasher = interrupted((check) => (check === 1 ? happens(ada) : Promise.resolve()));
    await expect(authenticationWith(hasher).authenticate(aCall(), input)).rejects.toMatchObject(invalid);
    expect(await sessionsOf(ada)).toEqual([]);
  });
});

describe("a password whose hash has become too cheap", () => {
  test("is hashed anew by a sign-in, after which the session is good", async () => {
    const ada = await services.create("ada");
    const authentication = authenticationWith(hasherOf(2));
    await expect(
      authentication.authenticate(aCall(), { ...input, password: new Secret(otherPassword) }),
    ).rejects.toThrow();
    expect(await hashOf(ada)).toMatch(/t=1,p=1/);
    const asked = askedOf(services.repository);
    const { tokens } = await authentication.authenticate(aCall(), input);
    expect(asked.map(({ what }) => what)).toEqual([
      "attempts.begin",
      "sessions.begin",
      "sessions.exceedsCount",
      "transaction",
    ]);
    expect(await hashOf(ada)).toMatch(/t=2,p=1/);
    expect(claimsIn(tokens.accessToken.reveal()).sub).toBe(ada.id);
    expect((await sessionsOf(ada)).map(({ state }) => state)).toEqual(["live"]);
  });

  test("lets every one of several sign-ins at once in", async () => {
    const ada = await services.create("ada");
    const authentication = authenticationWith(hasherOf(2));
    const signIns = await Promise.all(
      Array.from({ length: 12 }, () => authentication.authenticate(aCall(), input)),
    );
    expect(new Set(signIns.map(({ session }) => session.id)).size).toBe(12);
    expect(await sessionsOf(ada)).toHaveLength(12);
    expect(await hashOf(ada)).toMatch(/t=2,p=1/);
  });

  test("signs in even where it cannot be hashed anew", async () => {
    await services.create("ada");
    services.repository.transaction = async () => {
      throw new Error("the database has gone");
    };
    const failures: unknown[] = [];
    const authentication = authenticationWith(hasherOf(2), (error) => failures.push(error));
    const { session } = await authentication.authenticate(aCall(), input);
    expect(session.state).toBe("live");
    expect(failures).toEqual([new Error("the database has gone")]);
  });
});
