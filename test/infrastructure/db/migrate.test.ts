import { randomUUID } from "node:crypto";
import { type DatabasePool, sql } from "slonik";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { connectToCockroach } from "../../../src/infrastructure/db/cockroach.ts";
import { MigrationError, migrate, pendingSteps } from "../../../src/infrastructure/db/migrate.ts";
import { allMigrations } from "../../../src/infrastructure/db/migrations/all-migrations.ts";
import type { MigrationStep } from "../../../src/infrastructure/db/migrations/migration-step.ts";
import { createTestDatabase, type TestDatabase } from "../../support/postgres.ts";
import { WireProxy } from "../../support/wire-proxy.ts";

const dialect = "postgresql";
/** Every step but those for another server. */
const steps = allMigrations.filter(({ only }) => only === undefined || only === dialect);

let database: TestDatabase;
let pool: DatabasePool;

beforeEach(async () => {
  database = await createTestDatabase();
  pool = await connectToCockroach({ uri: database.uri, poolSize: 4, statementTimeoutMs: 10_000 });
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

const run = (wanted: readonly MigrationStep[] = allMigrations, connection = pool, log: string[] = []) =>
  migrate(connection, { steps: wanted, dialect, holder: randomUUID(), log: (line) => log.push(line) });
const pending = (wanted: readonly MigrationStep[] = allMigrations) =>
  pendingSteps(pool, { steps: wanted, dialect });

describe("migrations", () => {
  test("are all pending on an empty database, and none once they are made", async () => {
    expect(await pending()).toEqual(steps);
    const log: string[] = [];
    await run(allMigrations, pool, log);
    expect(log).toEqual(steps.map(({ id }) => `migrating: ${id}`));
    expect(await pending()).toEqual([]);
    log.length = 0;
    await run(allMigrations, pool, log);
    expect(log).toEqual([]);
  });

  test("have one id each, and keep their order", () => {
    const ids = allMigrations.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.map((id) => id.slice(0, 4))).toEqual(ids.map((id) => id.slice(0, 4)).sort());
  });

  test("begun by five instances at once are made once, and all five go on", async () => {
    const logs = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const own = await connectToCockroach({ uri: database.uri, poolSize: 2, statementTimeoutMs: 10_000 });
        const log: string[] = [];
        try {
          await run(allMigrations, own, log);
        } finally {
          await own.end();
        }
        return log;
      }),
    );
    expect(await pending()).toEqual([]);
    const made = logs.flat().filter((line) => line.startsWith("migrating: "));
    expect(made.sort()).toEqual(steps.map(({ id }) => `migrating: ${id}`).sort());
  });

  test("cut off at any statement go on from there", async () => {
    await using proxy = await WireProxy.start(database.uri);
    const own = await connectToCockroach({ uri: proxy.uri, poolSize: 2, statementTimeoutMs: 10_000 });
    // Cut later and later, before and after the statement took effect, until nothing is left to be cut.
    let cuts = 0;
    for (let done = false; !done; ) {
      const when = cuts % 2 === 0 ? "before" : "after";
      let statements = 0;
      proxy.faults = () => (statements++ === 4 + (cuts % 7) ? { when, what: "cut" } : undefined);
      try {
        await run(allMigrations, own);
        done = true;
      } catch {
        cuts += 1;
        // The lease of one who died is free once it has expired; a test need not wait for that.
        await pool.query(sql.unsafe`delete from leases`).catch(() => {});
      }
    }
    expect(cuts).toBeGreaterThan(5);
    expect(await pending()).toEqual([]);
    await own.end();
  });

  test("refuse a database whose steps were others", async () => {
    await run();
    const [first, ...others] = allMigrations;
    const changed = [
      { ...first!, statement: sql.unsafe`create table if not exists users (id uuid)` },
      ...others,
    ];
    await expect(run(changed)).rejects.toBeInstanceOf(MigrationError);
  });

  test("do not mind steps of a newer release", async () => {
    const newer = { id: "9999-newer", statement: sql.unsafe`create table if not exists newer (id uuid)` };
    await run([...allMigrations, newer]);
    await run();
    expect(await pending()).toEqual([]);
  });

  test("leave out what is for another server", async () => {
    const foreign = { id: "9998-foreign", only: "cockroachdb", statement: sql.unsafe`not even sql` } as const;
    await run([...allMigrations, foreign]);
    expect(await pending([...allMigrations, foreign])).toEqual([]);
  });

  test("wait until what a step began is there", async () => {
    await pool.query(sql.unsafe`create table ready (n int4 not null)`);
    await pool.query(sql.unsafe`insert into ready (n) values (0)`);
    const slow: MigrationStep = {
      id: "9997-slow",
      statement: sql.unsafe`create table if not exists slow (id uuid)`,
      verify: sql.type(z.object({ done: z.boolean() }))`update ready set n = n + 1 returning n >= 3 as done`,
    };
    await run([slow]);
    expect(await pool.oneFirst(sql.type(z.object({ n: z.int() }))`select n from ready`)).toBe(3);
  });

  test("wait for another instance that has the lease, until it dies", async () => {
    await run([]);
    await run([{ id: "9996-first", statement: sql.unsafe`create table if not exists first (id uuid)` }]);
    await pool.query(sql.unsafe`
      insert into leases (name, holder, expire_time)
      values ('migrations', 'another', now() + interval '1 second')
    `);
    const log: string[] = [];
    const startedAt = performance.now();
    await run(allMigrations, pool, log);
    expect(performance.now() - startedAt).toBeGreaterThan(900);
    expect(log[0]).toMatch(/another instance is migrating/);
  });
});
