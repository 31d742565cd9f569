import { setTimeout as sleep } from "node:timers/promises";
import { type DatabasePool, sql } from "slonik";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { tableRights } from "../../../src/infrastructure/db/schema/table-rights.ts";
import { CockroachRepository } from "../../../src/interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import { aCall } from "../../support/calls.ts";
import { openMigratedPool } from "../../support/migrated-pool.ts";
import { createTestDatabase, type TestDatabase } from "../../support/postgres.ts";
import { type Disguise, WireProxy } from "../../support/wire-proxy.ts";

describe("the check that a database can be written to", () => {
  let database: TestDatabase;
  let proxy: WireProxy;
  let pool: DatabasePool;

  beforeAll(async () => {
    database = await createTestDatabase();
    proxy = await WireProxy.start(database.uri);
    pool = await openMigratedPool(proxy.uri, 5);
  });
  afterAll(async () => {
    await pool?.end();
    await proxy?.[Symbol.asyncDispose]();
    await database?.drop();
  });

  const expireProof = () =>
    pool.query(sql.unsafe`update leases set expire_time = now() - interval '1 minute'`);
  const writes = ({ statements }: WireProxy) => statements.filter((text) => text.includes("'write-check',"));

  test("reads once, and writes one row if nobody has within the last second", async () => {
    proxy.statements.length = 0;
    const [one, another] = [new CockroachRepository(pool), new CockroachRepository(pool)];
    await one.assertWritable(aCall());
    expect(proxy.statements).toHaveLength(2);
    await another.assertWritable(aCall());
    expect(proxy.statements).toHaveLength(3);
    await expireProof();
    await another.assertWritable(aCall());
    expect(writes(proxy)).toHaveLength(2);
    const { rows } = await pool.query(sql.type(z.object({ name: z.string() }))`select name from leases`);
    expect(rows).toEqual([{ name: "write-check" }]);
  });

  test("asked once a second by thirty processes, writes a few times, not thirty a second", async () => {
    proxy.statements.length = 0;
    const process = async () => {
      const repository = new CockroachRepository(pool);
      await sleep(1_000 * Math.random());
      for (let second = 0; second < 4; second++) {
        await repository.assertWritable(aCall());
        await sleep(1_000);
      }
    };
    await Promise.all(Array.from({ length: 30 }, process));
    // 120 checks in about five seconds.
    expect(writes(proxy).length).toBeGreaterThan(3);
    expect(writes(proxy).length).toBeLessThan(25);
  });

  test("needs space on the disk of a PostgreSQL", async () => {
    const temporaryFiles = async () => {
      const { files } = await pool.one(sql.type(z.object({ files: z.int() }))`
        select temp_files::int8 as files
        from pg_stat_database
        where datname = current_database()
      `);
      return files;
    };
    const before = await temporaryFiles();
    await expireProof();
    await new CockroachRepository(pool).assertWritable(aCall());
    await expect.poll(temporaryFiles, { timeout: 10_000 }).toBeGreaterThan(before);
  });

  test.each<[Disguise, boolean]>([
    ["postgresql", true],
    ["cockroachdb", false],
  ])("sends what is for PostgreSQL only to no other server: %s", async (as, spills) => {
    await using disguised = await WireProxy.start(database.uri, { as });
    const own = await openMigratedPool(disguised.uri, 2);
    await expireProof();
    await new CockroachRepository(own).assertWritable(aCall());
    await own.end();
    expect(writes(disguised).map((text) => text.includes("work_mem"))).toEqual([spills]);
  });

  test("is refused for a transaction that may only read, with its reason", async () => {
    const uri = new URL(database.uri);
    uri.searchParams.set("options", "-c default_transaction_read_only=on");
    const readOnly = await openMigratedPool(uri.href, 2);
    const check = new CockroachRepository(readOnly).assertWritable(aCall());
    await expect(check).rejects.toMatchObject({ reason: "DATABASE_READ_ONLY", kind: "unavailable" });
    await readOnly.end();
  });

  test("looks at the rights on every table that the migrations make", async () => {
    const { rows } = await pool.query(sql.type(z.object({ name: z.string() }))`
      select relname::text as name
      from pg_class
      where relkind = 'r'
        and relnamespace = current_schema()::text::regnamespace
    `);
    expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(tableRights).sort());
  });
});
