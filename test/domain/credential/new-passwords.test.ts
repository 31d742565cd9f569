import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import type { BreachedPasswords } from "../../../src/domain/credential/breached-passwords.ts";
import { Secret } from "../../../src/domain/secret.ts";
import type { User } from "../../../src/domain/user/user.ts";
import { askedOf } from "../../support/asked.ts";
import { aCall } from "../../support/calls.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { cheapArgon2, otherPassword, password, servicesOn } from "../../support/services.ts";

/** Where a password is set, what is refused, and what a repetition of the call gets. */
let repository: InMemoryRepository;
let breached: Set<string>;
let services: ReturnType<typeof servicesOn>;
let ada: User;

const breachedPasswords: BreachedPasswords = {
  async has(_, text) {
    if (breached.has("the check fails")) throw new Error("the breach check returned status 500");
    return breached.has(text);
  },
};

const profile = { email: "ada@engines.example", username: "countess", displayName: "Ada Lovelace" };
const create = (secret: string, requestId?: string, name = profile) =>
  services.users.create(aCall(), { ...name, attributes: {}, password: new Secret(secret), requestId });
const set = (secret: string, requestId?: string) =>
  services.authentication.setPassword(aCall(), { userId: ada.id, password: new Secret(secret), requestId });
const change = (current: string, secret: string, requestId?: string) =>
  services.authentication.changePassword(aCall(), {
    userId: ada.id,
    currentPassword: new Secret(current),
    newPassword: new Secret(secret),
    keepSessionId: undefined,
    requestId,
  });
const verify = (secret: string) =>
  services.authentication.verifyPassword(aCall(), { identifier: "countess", password: new Secret(secret) });
const usersOf = (onFailure: "allow" | "refuse") =>
  servicesOn(
    repository,
    cheapArgon2,
    { AUTH_BREACH_CHECK_URL: "https://breaches.test", AUTH_BREACH_CHECK_ON_FAILURE: onFailure },
    breachedPasswords,
  );

beforeEach(async () => {
  repository = new InMemoryRepository();
  breached = new Set();
  services = usersOf("refuse");
  ada = await create(password);
});

const unacceptable = (field = "password") => ({
  reason: "PASSWORD_UNACCEPTABLE",
  violations: [{ field }],
});

describe.each([
  ["of the user's own names", "LovelaceCountess1"],
  ["of this service's address", "auth 127.0.0.1 127.0.0.1"],
  ["that is common", "passwordpassword"],
  ["that is known from a breach", "my dog has fleas"],
])("a password %s", (_, bad) => {
  beforeEach(() => {
    breached.add("my dog has fleas");
  });

  test("is refused wherever one is set, and nothing changes", async () => {
    await expect(set(bad)).rejects.toMatchObject(unacceptable());
    await expect(change(password, bad)).rejects.toMatchObject(unacceptable("new_password"));
    const another = { email: "a@engines.example", username: "countess2", displayName: "Ada Lovelace" };
    await expect(create(bad, undefined, another)).rejects.toMatchObject(unacceptable());
    await verify(password);
    await expect(services.users.get(aCall(), { kind: "username", value: "countess2" })).rejects.toMatchObject(
      {
        reason: "USER_NOT_FOUND",
      },
    );
  });
});

test("a password that has come to be refused is still good where it is checked", async () => {
  breached.add(password);
  await expect(set(password)).rejects.toMatchObject(unacceptable());
  await verify(password);
});

test("whose names a password has is not told to who does not know the current one", async () => {
  await expect(change(otherPassword, "LovelaceCountess1")).rejects.toMatchObject({
    reason: "CREDENTIALS_INVALID",
  });
});

describe("a call that is repeated after its password has come to be refused", () => {
  const requestId = randomUUID();
  const spoil: [string, () => void][] = [
    ["by a list that has grown", () => breached.add(otherPassword)],
    ["by a check that fails", () => breached.add("the check fails")],
  ];

  test.each(spoil)("%s is answered as before", async (_, spoilt) => {
    const another = { email: "b@engines.example", username: "b", displayName: "" };
    const [createId, setId, changeId] = [randomUUID(), randomUUID(), randomUUID()];
    const created = await create(otherPassword, createId, another);
    await change(password, otherPassword, changeId);
    await set(otherPassword, setId);
    spoilt();
    expect(await create(otherPassword, createId, another)).toEqual(created);
    await change(password, otherPassword, changeId);
    await set(otherPassword, setId);
    await verify(otherPassword);
    for (const call of [set(otherPassword), set(otherPassword, randomUUID())]) {
      await expect(call).rejects.toMatchObject({
        reason: expect.stringMatching(/PASSWORD_UNACCEPTABLE|BREACH_CHECK_UNAVAILABLE/),
      });
    }
  });

  test("with another password is another call", async () => {
    await set(otherPassword, requestId);
    await expect(set("passwordpassword", requestId)).rejects.toMatchObject({ reason: "REQUEST_ID_REUSED" });
    await expect(set("hunter2\0", requestId)).rejects.toMatchObject({ reason: "PASSWORD_UNACCEPTABLE" });
  });
});

describe("while breached passwords cannot be asked for", () => {
  beforeEach(() => {
    breached.add("the check fails");
  });

  test("nothing is set where that is asked for, and a later call is good", async () => {
    for (const call of [set(otherPassword), change(password, otherPassword)]) {
      await expect(call).rejects.toMatchObject({ reason: "BREACH_CHECK_UNAVAILABLE", retryAfterMs: 5_000 });
    }
    await verify(password);
    breached.clear();
    await set(otherPassword);
  });

  test("a password is set where nothing else is asked for, with a warning that does not hold it", async () => {
    services = usersOf("allow");
    await set(otherPassword);
    await verify(otherPassword);
    expect(services.warnings.map(({ message }) => message)).toEqual(["breached-password check failed"]);
    expect(JSON.stringify(services.warnings)).not.toContain(otherPassword);
  });
});

describe("what a database is asked for a new password", () => {
  const asked = async (act: () => Promise<unknown>) => {
    const questions = askedOf(repository);
    await act().catch(() => {});
    return questions.map(({ what }) => what);
  };

  test("is nothing where it is no good for anybody", async () => {
    expect(await asked(() => set("passwordpassword"))).toEqual([]);
    expect(await asked(() => change(password, "passwordpassword"))).toEqual([]);
  });

  test("is whose it is, once, and to keep it", async () => {
    expect(await asked(() => set(otherPassword, randomUUID()))).toEqual(["users.find", "transaction"]);
  });

  test("is nothing but whose it is where it is no good for its user", async () => {
    expect(await asked(() => set("LovelaceCountess1"))).toEqual(["users.find"]);
  });
});
