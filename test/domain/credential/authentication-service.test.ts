import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../../src/domain/secret.ts";
import type { Session } from "../../../src/domain/session/session.ts";
import type { User } from "../../../src/domain/user/user.ts";
import { askedOf } from "../../support/asked.ts";
import { aCall } from "../../support/calls.ts";
import { type ClockedServices, clockedServices } from "../../support/clocked-services.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { cheapArgon2, otherPassword, password, servicesOn } from "../../support/services.ts";

let repository: InMemoryRepository;
let services: ReturnType<typeof servicesOn>;

beforeEach(() => {
  repository = new InMemoryRepository();
  services = servicesOn(repository);
});

const create = (name: string, initial?: string): Promise<User> =>
  services.users.create(aCall(), {
    email: `${name}@example.com`,
    username: name,
    displayName: "",
    attributes: {},
    password: initial === undefined ? undefined : new Secret(initial),
    requestId: undefined,
  });
const verify = async (identifier: string, secret: string) =>
  (await services.authentication.verifyPassword(aCall(), { identifier, password: new Secret(secret) })).user;
const set = (user: User, secret: string, requestId?: string) =>
  services.authentication.setPassword(aCall(), { userId: user.id, password: new Secret(secret), requestId });
const changePassword = (userId: string, currentPassword: string, newPassword: string, requestId?: string) =>
  services.authentication.changePassword(aCall(), {
    userId,
    currentPassword: new Secret(currentPassword),
    newPassword: new Secret(newPassword),
    keepSessionId: undefined,
    requestId,
  });
const change = (user: User) => ({ id: user.id, etag: undefined, requestId: undefined });
const hashOf = async (user: User) =>
  (await repository.read(aCall()).credentials.find({ kind: "id", id: user.id }))?.passwordHash;

const invalid = { reason: "CREDENTIALS_INVALID", message: "identifier or password is wrong" };

describe("verifyPassword", () => {
  test("answers whose it is, by email or username in any form", async () => {
    const user = await create("ada", password);
    for (const identifier of ["ada@example.com", "ADA@EXAMPLE.COM", "ada", "Ａda"]) {
      expect(await verify(identifier, password)).toEqual(user);
    }
  });

  test("compares passwords by RFC 8265 OpaqueString", async () => {
    await create("ada", "crème brûlée à la carte");
    await verify("ada", "crème brûlée à la carte".normalize("NFD"));
    await expect(verify("ada", "Crème brûlée à la carte")).rejects.toMatchObject(invalid);
  });

  test("has one answer for everything that is not good", async () => {
    const [wrong, suspended, deleted] = [
      await create("wrong", password),
      await create("suspended", password),
      await create("deleted", password),
    ];
    await create("passwordless");
    await services.users.suspend(aCall(), { ...change(suspended), reason: "r", untilTime: undefined });
    await services.users.delete(aCall(), change(deleted));
    const answers = await Promise.all(
      [
        verify("wrong", otherPassword),
        verify("suspended", password),
        verify("deleted", password),
        verify("passwordless", password),
        verify("unknown", password),
        verify("not an identifier @@", password),
        verify("wrong", "\u0007"),
        verify(wrong.id, password),
      ].map((answer) =>
        answer.catch(({ name, reason, message, kind, violations }) => ({
          name,
          reason,
          message,
          kind,
          violations,
        })),
      ),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject(invalid);
  });

  test("a suspension that has ended does not count", async () => {
    const user = await create("ada", password);
    await services.users.suspend(aCall(), {
      ...change(user),
      reason: "r",
      untilTime: new Date(Date.now() + 30),
    });
    await expect(verify("ada", password)).rejects.toMatchObject(invalid);
    await new Promise((resolve) => setTimeout(resolve, 40));
    await verify("ada", password);
  });

  test("hashes anew on a good check when the cost has changed, and only then", async () => {
    const user = await create("ada", password);
    const before = await hashOf(user);
    services = servicesOn(repository, { ...cheapArgon2, iterations: 2 });
    await expect(verify("ada", otherPassword)).rejects.toMatchObject(invalid);
    expect(await hashOf(user)).toBe(before);
    await verify("ada", password);
    const after = await hashOf(user);
    expect(after).toMatch(/t=2,p=1/);
    await verify("ada", password);
    expect(await hashOf(user)).toBe(after);
    expect(services.warnings).toEqual([]);
  });

  test("is good even where hashing anew fails", async () => {
    await create("ada", password);
    const broken = new InMemoryRepository();
    broken.read = (call) => repository.read(call);
    broken.statement = (call) => repository.statement(call);
    broken.transaction = async () => {
      throw new Error("the database has gone");
    };
    services = servicesOn(broken, { ...cheapArgon2, iterations: 2 });
    await verify("ada", password);
    expect(services.warnings).toMatchObject([{ message: "rehashing a password failed" }]);
  });
});

describe("setPassword", () => {
  test("sets a first password and another one", async () => {
    const user = await create("ada");
    await set(user, password);
    await verify("ada", password);
    await set(user, otherPassword);
    await verify("ada", otherPassword);
    await expect(verify("ada", password)).rejects.toMatchObject(invalid);
  });

  test("refuses what is no good and nobody's, and changes nothing", async () => {
    const user = await create("ada", password);
    await expect(set(user, "too short")).rejects.toMatchObject({ reason: "PASSWORD_UNACCEPTABLE" });
    await expect(set({ id: randomUUID() } as User, password)).rejects.toMatchObject({
      reason: "USER_NOT_FOUND",
    });
    await verify("ada", password);
    await services.users.delete(aCall(), change(user));
    await expect(set(user, otherPassword)).rejects.toMatchObject({ reason: "USER_DELETED" });
  });

  test("acts once for a request id: a late repetition does not bring an old password back", async () => {
    const user = await create("ada");
    const requestId = randomUUID();
    await set(user, password, requestId);
    await set(user, otherPassword);
    await set(user, password, requestId);
    await verify("ada", otherPassword);
    await expect(set(user, otherPassword, requestId)).rejects.toMatchObject({ reason: "REQUEST_ID_REUSED" });
  });
});

describe("changePassword", () => {
  test("sets a new password where the current one is given", async () => {
    const user = await create("ada", password);
    await changePassword(user.id.toUpperCase(), password, otherPassword);
    await verify("ada", otherPassword);
    await expect(changePassword(user.id, password, otherPassword)).rejects.toMatchObject(invalid);
  });

  test("has one answer for everything that is not good, and changes nothing", async () => {
    const user = await create("ada", password);
    const passwordless = await create("passwordless");
    await expect(changePassword(user.id, otherPassword, password)).rejects.toMatchObject(invalid);
    await expect(changePassword(passwordless.id, password, password)).rejects.toMatchObject(invalid);
    await expect(changePassword(randomUUID(), password, password)).rejects.toMatchObject(invalid);
    await expect(changePassword(user.id, password, "too short 7qk")).rejects.toMatchObject({
      reason: "PASSWORD_UNACCEPTABLE",
      violations: [{ field: "new_password" }],
    });
    await services.users.suspend(aCall(), { ...change(user), reason: "r", untilTime: undefined });
    await expect(changePassword(user.id, password, otherPassword)).rejects.toMatchObject(invalid);
    await services.users.unsuspend(aCall(), change(user));
    await verify("ada", password);
  });

  test("can be repeated with its request id although the current password is no longer current", async () => {
    const user = await create("ada", password);
    const requestId = randomUUID();
    await changePassword(user.id, password, otherPassword, requestId);
    await changePassword(user.id, password, otherPassword, requestId);
    await expect(changePassword(user.id, password, password, requestId)).rejects.toMatchObject({
      reason: "REQUEST_ID_REUSED",
    });
    await verify("ada", otherPassword);
  });

  test("of two at once from one password, one wins", async () => {
    const user = await create("ada", password);
    const results = await Promise.allSettled([
      changePassword(user.id, password, "first new password of two"),
      changePassword(user.id, password, "second new password of two"),
    ]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });
});

describe("the sessions of a user whose password is replaced", () => {
  let clocked: ClockedServices;
  const states = async (...signIns: { readonly session: Session }[]) => {
    const found = signIns.map(({ session }) => clocked.sessions.get(aCall(), session.id));
    return (await Promise.all(found)).map(({ state, endReason }) => endReason ?? state);
  };
  const setTo = (userId: string, secret: string, requestId?: string) =>
    clocked.authentication.setPassword(aCall(), { userId, password: new Secret(secret), requestId });
  const changeTo = (userId: string, keepSessionId: string | undefined, currentPassword = password) =>
    clocked.authentication.changePassword(aCall(), {
      userId,
      currentPassword: new Secret(currentPassword),
      newPassword: new Secret(otherPassword),
      keepSessionId,
      requestId: undefined,
    });

  beforeEach(async () => {
    clocked = await clockedServices();
  });
  const signedIn = async () => {
    const ada = await clocked.create("ada");
    await clocked.create("bob");
    return {
      ada,
      first: await clocked.signIn("ada"),
      second: await clocked.signIn("ada"),
      bob: await clocked.signIn("bob"),
    };
  };

  test("all end when it is set, in the transaction that sets it, after one look at who it is", async () => {
    const { ada, first, second, bob } = await signedIn();
    const asked = askedOf(clocked.repository);
    await setTo(ada.id, otherPassword);
    expect(asked.map(({ what }) => what)).toEqual(["users.find", "transaction"]);
    expect(await states(first, second, bob)).toEqual(["password-changed", "password-changed", "live"]);
  });

  test("all end when it is changed, but for the one that is kept", async () => {
    const { ada, first, second, bob } = await signedIn();
    await changeTo(ada.id, first.session.id.toUpperCase());
    expect(await states(first, second, bob)).toEqual(["live", "password-changed", "live"]);
    const { session } = await clocked.refresh(first.tokens.refreshToken);
    expect(session.id).toBe(first.session.id);
  });

  test("all end when it is changed and none or another user's is kept", async () => {
    const { ada, first, second, bob } = await signedIn();
    await changeTo(ada.id, bob.session.id);
    expect(await states(first, second, bob)).toEqual(["password-changed", "password-changed", "live"]);
    const again = await clocked.signIn("ada", { password: otherPassword });
    await changeTo(ada.id, undefined, otherPassword);
    expect(await states(again)).toEqual(["password-changed"]);
  });

  test("none ends when it is not", async () => {
    const { ada, first, second, bob } = await signedIn();
    await expect(setTo(ada.id, "too short")).rejects.toMatchObject({ reason: "PASSWORD_UNACCEPTABLE" });
    await expect(changeTo(ada.id, undefined, otherPassword)).rejects.toMatchObject(invalid);
    await expect(setTo(randomUUID(), otherPassword)).rejects.toMatchObject({ reason: "USER_NOT_FOUND" });
    expect(await states(first, second, bob)).toEqual(["live", "live", "live"]);
  });

  test("that begin later are not ended by a repetition of the call", async () => {
    const { ada } = await signedIn();
    const requestId = randomUUID();
    await setTo(ada.id, otherPassword, requestId);
    const later = await clocked.signIn("ada", { password: otherPassword });
    await setTo(ada.id, otherPassword, requestId);
    expect(await states(later)).toEqual(["live"]);
  });

  test("are of the same request only where the same one is kept", async () => {
    const { ada, first, second } = await signedIn();
    const change = (keepSessionId: string) =>
      clocked.authentication.changePassword(aCall(), {
        userId: ada.id,
        currentPassword: new Secret(password),
        newPassword: new Secret(otherPassword),
        keepSessionId,
        requestId: ada.id,
      });
    await change(first.session.id);
    await change(first.session.id.toUpperCase());
    await expect(change(second.session.id)).rejects.toMatchObject({ reason: "REQUEST_ID_REUSED" });
    expect(await states(first, second)).toEqual(["live", "password-changed"]);
  });
});
