import type { DatabasePool } from "slonik";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { CockroachRepository } from "../../../src/interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import { aCall } from "../../support/calls.ts";
import { openMigratedPool } from "../../support/migrated-pool.ts";
import { createTestDatabase, type TestDatabase } from "../../support/postgres.ts";
import { errorOf, rpcOn } from "../../support/rpc.ts";
import { stress } from "../../support/stress.ts";
import { WireProxy } from "../../support/wire-proxy.ts";

/** That a database which is busy is not taken for one that is away, nor the other way round. */
describe("a database that does not finish in time", () => {
  let database: TestDatabase;
  let proxy: WireProxy;
  let pool: DatabasePool;
  let repository: CockroachRepository;

  beforeAll(async () => {
    database = await createTestDatabase();
    proxy = await WireProxy.start(database.uri);
    pool = await openMigratedPool(proxy.uri, 3);
    repository = new CockroachRepository(pool);
  });
  afterEach(() => {
    proxy.faults = () => undefined;
  });
  afterAll(async () => {
    await pool?.end();
    await proxy?.[Symbol.asyncDispose]();
    await database?.drop();
  });

  const busy = { reason: "CONTENTION", kind: "aborted", retryAfterMs: expect.any(Number) };
  const away = { reason: "DATABASE_UNAVAILABLE", kind: "unavailable", retryAfterMs: expect.any(Number) };
  const head = () => repository.transaction(aCall(), ({ events }) => events.head());

  test("two users who swap their emails in 20 calls at once are never told that it is away", async () => {
    const { users } = rpcOn(repository);
    for (let round = 0; round < stress(3, 30); round++) {
      const emails = [`a${round}@example.com`, `b${round}@example.com`];
      const pair = await Promise.all(emails.map((email) => users.createUser({ user: { email } })));
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => {
          const id = pair[i % 2]?.user?.id ?? "";
          const user = { id, email: emails[(i + 1) % 2] ?? "" };
          return errorOf(users.updateUser({ user, updateMask: { paths: ["email"] } }));
        }),
      );
      for (const { reason, retryAfterMs } of answers) {
        expect(["EMAIL_TAKEN", "CONTENTION"]).toContain(reason);
        if (reason === "CONTENTION") expect(retryAfterMs).toBeGreaterThan(0);
      }
    }
  });

  test("because every try conflicts is busy", async () => {
    proxy.faults = (text) =>
      text.includes("event_heads")
        ? { when: "before", what: { code: "40001", message: "restart" } }
        : undefined;
    await expect(head()).rejects.toMatchObject(busy);
  });

  test("because a statement takes too long is busy", async () => {
    proxy.faults = (text) =>
      text.includes("event_heads") ? { when: "before", what: { delayMs: 1_900 } } : undefined;
    const slowly = repository.transaction(aCall(), async ({ events }) => {
      await events.head();
      return events.head();
    });
    await expect(slowly).rejects.toMatchObject(busy);
  });

  test("because others have all connections is busy for those who wait for one", async () => {
    proxy.faults = (text) =>
      text.includes("event_heads") ? { when: "before", what: { delayMs: 5_000 } } : undefined;
    const answers = await Promise.allSettled(Array.from({ length: 9 }, head));
    for (const answer of answers) expect(answer).toMatchObject({ status: "rejected", reason: busy });
  });

  test("and answers nothing at all is away, also for those who wait for a connection", async () => {
    proxy.faults = () => ({ when: "before", what: { delayMs: 10_000 } });
    const answers = await Promise.allSettled(Array.from({ length: 9 }, head));
    for (const answer of answers) expect(answer).toMatchObject({ status: "rejected", reason: away });
  });
});
