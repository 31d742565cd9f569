import { Client } from "pg";
import { type DatabasePool, sql } from "slonik";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { isPlannedEachTime } from "../../src/infrastructure/db/planned-each-time.ts";
import { planSettings } from "../../src/infrastructure/db/session-plans.ts";
import { CockroachRepository } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import type { UserQuery } from "../../src/interfaces/relationaldb/user-repository.ts";
import { aCall } from "../support/calls.ts";
import { openMigratedPool } from "../support/migrated-pool.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { outline, type PlanMode, planOf } from "./plan.ts";
import { planExceptions } from "./plan-exceptions.ts";
import { costOf, excessOf, limitsFor, type PlanCost } from "./plan-rules.ts";
import { populate, population } from "./population.ts";
import type { BoundStatement } from "./recorded-run.ts";
import { everySentQuery, type SentQuery } from "./sent-queries.ts";

const preparedRow = z.object({ statement: z.string() });
const modes: readonly PlanMode[] = ["force_custom_plan", "force_generic_plan"];

/** How the server goes about every query of the API in a database of 100,000 users, planned for it and for all. */
describe(`plans at ${population} users`, () => {
  let database: TestDatabase;
  let pool: DatabasePool;
  let client: Client;
  let queries: SentQuery[];
  const used = new Set<string>();

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = await openMigratedPool(database.uri, 2);
    client = new Client({ connectionString: database.uri });
    await client.connect();
    await client.query(planSettings.postgresql);
    await populate(client);
    queries = await everySentQuery(client, pool);
  }, 120_000);
  afterAll(async () => {
    await client?.end();
    await pool?.end();
    await database?.drop();
  });

  test("the database is ordered by code point, as CockroachDB's are", async () => {
    const { rows } = await client.query("select 'a'::text > 'B'::text as by_code_point");
    expect(rows).toEqual([{ by_code_point: true }]);
  });

  describe.each(modes)("%s", (mode) => {
    test("no query reads a table, sorts or throws away more than a small multiple of a page", {
      timeout: 120_000,
    }, async () => {
      const excesses: string[] = [];
      for (const query of queries) {
        const { list, page, statements } = query;
        const exception = list && planExceptions.find(({ limitsOf }) => limitsOf(list));
        const limits = (list && exception?.limitsOf(list)) ?? limitsFor(page);
        for (const statement of statements) {
          if (mode === "force_generic_plan" && isPlannedEachTime(statement.text)) continue;
          const plan = await planOf(client, statement, mode);
          const cost = costOf(plan);
          if (exception && excessOf(cost, limitsFor(page)).length > 0) used.add(exception.name);
          const excess = excessOf(cost, limits);
          if (excess.length > 0) excesses.push(`${query.name} ${excess.join(", ")}: ${outline(plan)}`);
        }
      }
      expect(excesses).toEqual([]);
    });

    test.each([
      { orderBy: "createTime", descending: false },
      { orderBy: "createTime", descending: true },
      { orderBy: "id", descending: false },
      { orderBy: "id", descending: true },
    ] as const)(
      "the deepest page costs what the first one does: $orderBy, descending $descending",
      async (order) => {
        const pages = queries.filter(({ list }) => list && isWithoutFilter(list) && isInOrder(list, order));
        const [firstPage, ...deepPages] = pages.slice(0, 3).map(({ statements }) => statements[0]);
        expect(deepPages).toHaveLength(2);
        const blocksOf = async (statement: BoundStatement | undefined) =>
          costOf(await planOf(client, statement as BoundStatement, mode)).blocks;
        const first = await blocksOf(firstPage);
        expect(first).toBeGreaterThan(0);
        // Pages of the database that are full, and such as users have come to and gone from, differ a little.
        for (const deep of deepPages) expect(await blocksOf(deep)).toBeLessThanOrEqual(1.5 * first + 4);
      },
    );
  });

  test("every exception is needed", () => {
    expect(planExceptions.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
  });

  describe("control: what has no index is seen", () => {
    const excessOfText = async (text: string) => {
      const cost: PlanCost = costOf(await planOf(client, { text, values: [] }, "force_custom_plan"));
      return excessOf(cost, limitsFor(51)).map((excess) => excess.replace(/\d+/, "N"));
    };

    test("a table that is read whole", async () => {
      for (const table of ["users", "credentials", "requests", "sessions", "events", "devices"]) {
        const excess = await excessOfText(`select from ${table} where ${table}::text = ''`);
        expect(excess).toContain(`reads all of ${table}`);
      }
    });

    test("a sort of more than a page", async () => {
      const excess = await excessOfText(
        "select id from users where email_key >= 'a' and email_key < 'b' order by display_name limit 51",
      );
      expect(excess).toContain("sorts N rows");
    });

    test("an index scan that throws away what it fetched", async () => {
      const excess = await excessOfText(
        "select id from users where email_key >= 'a' and email_key < 'ad' and version = 2",
      );
      expect(excess).toContain("fetches N rows for nothing");
    });

    test("pages that are looked at though no row of them is seen", async () => {
      const excess = await excessOfText("select count(email_key) from users where create_time < now()");
      expect(excess).toContain("looks at N pages");
    });
  });

  test("what is to be planned each time is never planned once for all", async () => {
    const marked = async () => {
      const { rows } = await pool.query(sql.type(preparedRow)`
        select statement
        from pg_prepared_statements
      `);
      return rows.map(({ statement }) => isPlannedEachTime(statement));
    };
    const repository = new CockroachRepository(pool);
    const lists = queries.flatMap(({ list }) => (list?.emailPrefix === "abc" ? [list] : []));
    for (const list of lists.slice(0, 10)) await repository.read(aCall()).users.list(list);
    const prepared = await marked();
    expect(prepared.length).toBeGreaterThan(0);
    expect(prepared).not.toContain(true);
  });
});

function isWithoutFilter(list: UserQuery): boolean {
  const { state, createdAfter, createdBefore, emailPrefix, showDeleted } = list;
  return !(state || createdAfter || createdBefore || emailPrefix || showDeleted);
}

function isInOrder(
  list: UserQuery,
  { orderBy, descending }: Pick<UserQuery, "orderBy" | "descending">,
): boolean {
  return list.orderBy === orderBy && list.descending === descending;
}
