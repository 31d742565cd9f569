import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { planSettings } from "../../src/infrastructure/db/session-plans.ts";
import { openMigratedPool } from "../support/migrated-pool.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { outline, planOf, wholeReadsOf } from "./plan.ts";
import { costOf, excessOf, limitsFor, smallTables } from "./plan-rules.ts";
import { populate, population } from "./population.ts";
import { everySentQuery, type SentQuery } from "./sent-queries.ts";

/**
 * How the server goes about every query of the API when its statistics are of another time: a new service is migrated, analysed
 * and goes live before there is a user.
 */
describe("plans with the statistics of tables that were", () => {
  let database: TestDatabase;
  let client: Client;
  let queries: SentQuery[];
  const tables: string[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    const pool = await openMigratedPool(database.uri, 2);
    client = new Client({ connectionString: database.uri });
    await client.connect();
    await client.query(planSettings.postgresql);
    await populate(client);
    queries = await everySentQuery(client, pool);
    await pool.end();
    const { rows } = await client.query(
      "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace",
    );
    for (const { relname } of rows) {
      // What was planned would be planned again after autovacuum, at a moment of its own.
      await client.query(`alter table ${relname} set (autovacuum_enabled = false)`);
      if (smallTables.has(relname) || relname === "migrations") continue;
      tables.push(relname);
      await client.query(`create table all_${relname} as table ${relname}`);
    }
  }, 180_000);
  afterAll(async () => {
    await client?.end();
    await database?.drop();
  });

  /** The table holds only so many of its rows, and is analysed then. */
  const keep = async (rows: number) => {
    await client.query(`truncate ${tables.join(", ")} cascade`);
    await fill(rows);
    await client.query("analyze");
  };
  /** In an order in which what is referred to comes first. */
  const fill = async (rows: number) => {
    await client.query("set session_replication_role = replica");
    for (const table of tables) {
      await client.query(
        `insert into ${table} select * from (select * from all_${table} limit ${rows}) as kept on conflict do nothing`,
      );
    }
    await client.query("reset session_replication_role");
  };

  describe.each([
    ["empty", 0],
    ["of one row", 1],
  ])("%s", (_name, rows) => {
    beforeAll(() => keep(rows), 120_000);

    test("no query reads a table but along an index", { timeout: 120_000 }, async () => {
      const faults: string[] = [];
      for (const { name, statements } of queries) {
        for (const statement of statements) {
          const plan = await planOf(client, statement, "force_generic_plan", { isRun: false });
          const read = costOf(plan).wholeTables;
          if (read.length > 0) faults.push(`${name} reads all of ${read}: ${outline(plan)}`);
        }
      }
      expect(faults).toEqual([]);
    });

    test(`none reads more than it needs once there are ${population} users`, {
      timeout: 240_000,
    }, async () => {
      await fill(Number.MAX_SAFE_INTEGER);
      const excesses: string[] = [];
      for (const { name, page, statements } of queries) {
        for (const statement of statements) {
          const plan = await planOf(client, statement, "force_generic_plan");
          // Which of two indexes serves a list better can only be known from statistics; it has to be one of them.
          const excess = / list|\.list/.test(name)
            ? wholeReadsOf(plan)
                .filter((table) => !smallTables.has(table))
                .map((table) => `reads all of ${table}`)
            : excessOf(costOf(plan), limitsFor(page));
          if (excess.length > 0) excesses.push(`${name} ${excess.join(", ")}: ${outline(plan)}`);
        }
      }
      expect(excesses).toEqual([]);
    });
  });
});
