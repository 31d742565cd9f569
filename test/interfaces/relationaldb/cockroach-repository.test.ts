import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { DomainError } from "../../../src/domain/errors.ts";
import { Secret } from "../../../src/domain/secret.ts";
import { aCall } from "../../support/calls.ts";
import { servicesOn } from "../../support/services.ts";
import { wiredRepository } from "../../support/wired-repository.ts";

/** What the contract cannot see: what goes over the wire, and what becomes of what the wire says. */
describe("the adapter on the wire", () => {
  const wired = wiredRepository();

  beforeEach(() => {
    wired.proxy.faults = () => undefined;
    wired.proxy.statements.length = 0;
  });

  test("a read is one statement, and so is a batch of a thousand", async () => {
    await wired.repository.read(aCall()).users.find({ kind: "id", id: randomUUID() });
    expect(wired.proxy.statements).toHaveLength(1);
    const keys = Array.from({ length: 1_000 }, () => ({ kind: "id" as const, id: randomUUID() }));
    await wired.repository.read(aCall()).users.findMany(keys);
    expect(wired.proxy.statements).toHaveLength(2);
  });

  test("reads that many calls ask for at once share a few statements, and see what was written before", async () => {
    const users = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        wired.repository.transaction(aCall(), ({ users }) => {
          const email = { value: `Shared-${i}@example.com`, key: `shared-${i}@example.com` };
          return users.insert(randomUUID(), { email, username: undefined, displayName: "", attributes: {} });
        }),
      ),
    );
    wired.proxy.statements.length = 0;
    const found = await Promise.all(
      users.flatMap(({ id, email }) => [
        wired.repository.read(aCall()).users.find({ kind: "id", id }),
        wired.repository.read(aCall()).users.find({ kind: "email", key: email?.key ?? "" }),
        wired.repository.read(aCall()).users.find({ kind: "username", key: `no-${id}` }),
      ]),
    );
    expect(found.map((user) => user?.id)).toEqual(users.flatMap(({ id }) => [id, id, undefined]));
    expect(wired.proxy.statements.length).toBeLessThanOrEqual(4);
  });

  test("a transaction has a statement timeout of its own and nothing else around its statements", async () => {
    await wired.repository.transaction(aCall(), ({ users }) => users.find({ kind: "id", id: randomUUID() }));
    expect(wired.proxy.statements.map((text) => text.trim().split(/\s+/).slice(0, 2).join(" "))).toEqual([
      "START TRANSACTION",
      "select set_config('statement_timeout',",
      "select users.id,",
      "COMMIT",
    ]);
  });

  test.each([
    { code: "40001", reason: "CONTENTION" },
    { code: "40P01", reason: "CONTENTION" },
    { code: "40003", reason: "DATABASE_UNAVAILABLE" },
    { code: "57014", reason: "CONTENTION" },
    { code: "53300", reason: "DATABASE_UNAVAILABLE" },
    { code: "57P01", severity: "FATAL", reason: "DATABASE_UNAVAILABLE" },
    { code: "08006", reason: "DATABASE_UNAVAILABLE" },
  ] as const)(
    "a read that gets $code at every try is $reason, with a time to come back",
    async ({ reason, ...error }) => {
      const what = { message: "injected", ...error };
      wired.proxy.faults = (text) =>
        /^\s*(select|insert)\b(?!\s+set_config)/.test(text) ? { when: "before", what } : undefined;
      const read = () =>
        wired.repository
          .read(aCall(600))
          .users.find({ kind: "id", id: randomUUID() })
          .then(
            () => expect.fail("it was answered"),
            (thrown) => thrown,
          );
      let failure = await read();
      // The deadline may come while a statement is on its way: that says nothing of the fault.
      for (let i = 0; i < 5 && failure.name === "TimeoutError"; i++) failure = await read();
      expect(failure).toBeInstanceOf(DomainError);
      expect(failure.reason).toBe(reason);
      expect(failure.retryAfterMs).toBeGreaterThan(0);
    },
  );

  test("a mutation whose every COMMIT is in doubt is OUTCOME_UNKNOWN", async () => {
    const what = { code: "40003", message: "result is ambiguous" };
    wired.proxy.faults = (text) => (text === "COMMIT" ? { when: "after", what } : undefined);
    const request = { id: randomUUID(), fingerprint: "f", secretHash: undefined };
    const claim = wired.repository.transaction(aCall(600), ({ requests }) => requests.claim(request));
    await expect(claim).rejects.toMatchObject({ reason: "OUTCOME_UNKNOWN", kind: "unknown-outcome" });
  });

  test("an unknown error leaves as it came", async () => {
    const what = { code: "XX000", message: "internal error" };
    wired.proxy.faults = () => ({ when: "before", what });
    await expect(wired.repository.assertWritable(aCall())).rejects.toMatchObject({ code: "XX000" });
  });

  // CockroachDB reports neither table nor column with a violation, only the constraint.
  test.each([
    ["users_email_key_unique", "EMAIL_TAKEN"],
    ["users_username_key_unique", "USERNAME_TAKEN"],
  ])("a violation of %s is told by its name alone", async (constraint, reason) => {
    const what = { code: "23505", message: "duplicate key value violates unique constraint", constraint };
    wired.proxy.faults = (text) =>
      text.includes("insert into users") ? { when: "before", what } : undefined;
    const profile = { email: undefined, username: { value: "a", key: "a" }, displayName: "", attributes: {} };
    const insert = wired.repository.transaction(aCall(), ({ users }) => users.insert(randomUUID(), profile));
    await expect(insert).rejects.toMatchObject({ reason });
  });

  test("VerifyPassword asks the database the same, whoever it is about", async () => {
    const { users, authentication } = servicesOn(wired.repository);
    const password = "correct horse battery staple";
    const create = (username: string, secret?: string) =>
      users.create(aCall(), {
        email: undefined,
        username,
        displayName: "",
        attributes: {},
        password: secret === undefined ? undefined : new Secret(secret),
        requestId: undefined,
      });
    await create("right", password);
    await create("passwordless");
    const suspended = await create("suspended", password);
    const deleted = await create("deleted", password);
    const change = { etag: undefined, requestId: undefined };
    await users.suspend(aCall(), { id: suspended.id, ...change, reason: "r", untilTime: undefined });
    await users.delete(aCall(), { id: deleted.id, ...change });

    const device = { token: new Secret("a device token of somebody"), remember: false };
    const statementsFor = async (identifier: string, secret: string, by: object = {}) => {
      wired.proxy.statements.length = 0;
      await authentication
        .verifyPassword(aCall(), { identifier, password: new Secret(secret), ...by })
        .catch(() => {});
      return [...wired.proxy.statements];
    };
    const asked = await statementsFor("right", "wrong");
    expect(asked).toHaveLength(2);
    for (const identifier of ["unknown", "suspended", "deleted", "passwordless", "no identifier\0"]) {
      expect(await statementsFor(identifier, password)).toEqual(asked);
    }
    expect(await statementsFor("right", password)).toHaveLength(2);
    const askedWithDevice = await statementsFor("right", "wrong", { device });
    expect(askedWithDevice).toHaveLength(2);
    expect(await statementsFor("unknown", "wrong", { device })).toEqual(askedWithDevice);
  });
});
