import { sql } from "slonik";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectToCockroach } from "../../../src/infrastructure/db/cockroach.ts";
import { planSettings } from "../../../src/infrastructure/db/session-plans.ts";
import { createTestDatabase, type TestDatabase } from "../../support/postgres.ts";
import { type Disguise, WireProxy } from "../../support/wire-proxy.ts";

describe("a session", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database?.drop());

  /** What is sent by a pool of two while it runs so many statements, of which every tenth is a transaction of three. */
  async function sentBy(as: Disguise, statements: number): Promise<string[]> {
    await using proxy = await WireProxy.start(database.uri, { as });
    const pool = await connectToCockroach({ uri: proxy.uri, poolSize: 2, statementTimeoutMs: 5_000 });
    for (let n = 1; n <= statements; n++) {
      if (n % 10 > 0) await pool.query(sql.unsafe`select ${n}::int8`);
      else await pool.transaction((transaction) => transaction.query(sql.unsafe`select 0`));
    }
    await pool.end();
    return proxy.everything;
  }

  test.each([
    ["postgresql", planSettings.postgresql],
    ["cockroachdb", planSettings.cockroachdb],
  ] as const)("of %s begins with how it is to plan", async (as, setting) => {
    const sent = await sentBy(as, 0);
    expect(sent).toEqual([setting, setting]);
  });

  test("of PostgreSQL makes its plans anew: soon at first, rarely later, and never inside a transaction", async () => {
    const sent = await sentBy("postgresql", 4_000);
    const places = sent.flatMap((text, place) => (text === "discard plans" ? [place] : []));
    expect(places.length).toBeGreaterThan(10);
    expect(places.length).toBeLessThan(4_000 / 100);
    expect(places[0]).toBeLessThan(40);
    for (const place of places) expect(sent[place - 1]).not.toMatch(/START TRANSACTION|select 0/);
  });

  test("of CockroachDB is never told to discard plans, which it does not know", async () => {
    expect(await sentBy("cockroachdb", 200)).not.toContain("discard plans");
  });
});
