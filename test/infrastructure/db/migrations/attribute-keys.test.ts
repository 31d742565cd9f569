import { randomUUID } from "node:crypto";
import { array, assert, asyncProperty, stringMatching } from "fast-check";
import { Client } from "pg";
import { type DatabasePool, sql } from "slonik";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { connectToCockroach } from "../../../../src/infrastructure/db/cockroach.ts";
import { MigrationError, migrate } from "../../../../src/infrastructure/db/migrate.ts";
import { attributeKeys } from "../../../../src/infrastructure/db/migrations/0012-attribute-keys.ts";
import { allMigrations } from "../../../../src/infrastructure/db/migrations/all-migrations.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/postgres.ts";

const accepted = /^[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*$/;
const row = z.object({ id: z.string(), attributes: z.record(z.string(), z.string()), version: z.int() });

let database: TestDatabase;
let pool: DatabasePool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = await connectToCockroach({ uri: database.uri, poolSize: 2, statementTimeoutMs: 10_000 });
  await run(allMigrations);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  await pool.query(sql.unsafe`delete from users`);
});

const run = (steps: typeof allMigrations) =>
  migrate(pool, { steps, dialect: "postgresql", holder: randomUUID(), log: () => {} });

/** Makes the step again, as on a database of the release before. */
async function convert(): Promise<void> {
  await pool.query(sql.unsafe`delete from migrations where id like '0012-%'`);
  await run(attributeKeys);
}

async function insert(attributes: Readonly<Record<string, string>>): Promise<string> {
  const id = randomUUID();
  await pool.query(sql.unsafe`
    insert into users (id, username, username_key, display_name, attributes, create_time, update_time, version)
    values (${id}, ${id}, ${id}, '', ${sql.jsonb(attributes)}, now(), now(), 1)
  `);
  return id;
}

async function attributesAndVersion(id: string) {
  const { attributes, version } = await pool.one(sql.type(row)`
    select id, attributes, version
    from users
    where id = ${id}
  `);
  return { attributes, version };
}

describe("keys that a FieldMask in JSON cannot name are converted", () => {
  test.each([
    ["address_2", "address2"],
    ["a__b", "a_b"],
    ["a___b", "a_b"],
    ["a_", "a"],
    ["a____", "a"],
    ["a_1_2_b", "a12_b"],
    ["a__1", "a1"],
    ["a1_b2", "a1_b2"],
    ["team", "team"],
  ])("%s becomes %s", async (before, after) => {
    const id = await insert({ [before]: "kept", other: "too" });
    await convert();
    expect(await attributesAndVersion(id)).toEqual({
      attributes: { [after]: "kept", other: "too" },
      version: before === after ? 1 : 2,
    });
  });

  test("whatever keys users have; no value is lost, and made twice it changes nothing more", async () => {
    const old = stringMatching(/^[a-z][a-z0-9_]{0,62}$/);
    await assert(
      asyncProperty(array(old, { maxLength: 8 }), async (keys) => {
        await pool.query(sql.unsafe`delete from users`);
        const id = await insert(Object.fromEntries(keys.map((key) => [key, `value of ${key}`])));
        try {
          await convert();
        } catch (error) {
          expect(error).toBeInstanceOf(MigrationError);
          const untouched = await attributesAndVersion(id);
          expect(untouched).toMatchObject({ version: 1 });
          expect(Object.keys(untouched.attributes).sort()).toEqual([...new Set(keys)].sort());
          return;
        }
        const once = await attributesAndVersion(id);
        for (const key of Object.keys(once.attributes)) expect(key).toMatch(accepted);
        expect(Object.values(once.attributes).sort()).toEqual(
          [...new Set(keys)].map((key) => `value of ${key}`).sort(),
        );
        await convert();
        expect(await attributesAndVersion(id)).toEqual(once);
      }),
      { numRuns: 60 },
    );
  });

  test("two keys that would become one refuse the migration, say how many users have them and how to find them", async () => {
    const good = await insert({ city_: "x" });
    const twice = [
      await insert({ address_2: "a", address2: "b", address__2: "c" }),
      await insert({ a__b: "same", a_b: "same" }),
    ];
    const error = await convert().then(
      () => expect.fail("it was made"),
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(MigrationError);
    expect(error.message).toContain("2 users have two keys that would become the same");
    const query = /Find them with: (.*)$/.exec(error.message)?.[1] ?? "";
    const client = new Client({ connectionString: database.uri });
    await client.connect();
    const found = (await client.query<{ id: string }>(query)).rows;
    await client.end();
    expect(found.map(({ id }) => id).sort()).toEqual(twice.sort());
    expect(await attributesAndVersion(good)).toEqual({ attributes: { city_: "x" }, version: 1 });
    await pool.query(sql.unsafe`update users set attributes = '{}' where id in (${twice[0]!}, ${twice[1]!})`);
    await convert();
    expect(await attributesAndVersion(good)).toEqual({ attributes: { city: "x" }, version: 2 });
  });
});
