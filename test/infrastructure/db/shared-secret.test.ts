import type { DatabasePool } from "slonik";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sharedSecret } from "../../../src/infrastructure/db/shared-secret.ts";
import { openMigratedPool } from "../../support/migrated-pool.ts";
import { createTestDatabase, type TestDatabase } from "../../support/postgres.ts";

let database: TestDatabase;
let pool: DatabasePool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = await openMigratedPool(database.uri, 8);
});
afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

test("a shared secret is made once, and is the same for all who ask at the same moment", async () => {
  for (let round = 0; round < 20; round++) {
    const asked = Array.from({ length: 8 }, () => sharedSecret(pool, `secret-${round}`));
    const secrets = await Promise.all(asked);
    expect(secrets[0]?.length).toBe(32);
    expect(new Set(secrets.map((secret) => secret.toString("hex"))).size).toBe(1);
  }
  const [one, other] = await Promise.all([sharedSecret(pool, "one"), sharedSecret(pool, "other")]);
  expect(one.equals(other)).toBe(false);
});
