import { randomBytes } from "node:crypto";
import { type DatabasePool, sql } from "slonik";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { WrappingKeys } from "../../../src/infrastructure/crypto/wrapping-keys.ts";
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

const keys = () => randomBytes(32).toString("base64");
const key = keys();
const wrappingKeys = WrappingKeys.parse(key);

test("a shared secret is made once, and is the same for all who ask at the same moment", async () => {
  for (let round = 0; round < 20; round++) {
    const asked = Array.from({ length: 8 }, () => sharedSecret(pool, wrappingKeys, `secret-${round}`));
    const secrets = await Promise.all(asked);
    expect(secrets[0]?.length).toBe(32);
    expect(new Set(secrets.map((secret) => secret.toString("hex"))).size).toBe(1);
  }
  const [one, other] = await Promise.all([
    sharedSecret(pool, wrappingKeys, "one"),
    sharedSecret(pool, wrappingKeys, "other"),
  ]);
  expect(one.equals(other)).toBe(false);
});

test("a shared secret outlives its wrapping key once it was read with a newer one", async () => {
  const secret = await sharedSecret(pool, wrappingKeys, "rotated");
  const newer = keys();
  expect(await sharedSecret(pool, WrappingKeys.parse(`${newer}\n${key}`), "rotated")).toEqual(secret);
  expect(await sharedSecret(pool, WrappingKeys.parse(newer), "rotated")).toEqual(secret);
  await expect(sharedSecret(pool, wrappingKeys, "rotated")).rejects.toThrow();
});

test("a shared secret is stored neither in plain nor so that it opens under another name", async () => {
  const secret = await sharedSecret(pool, wrappingKeys, "bound");
  const stored = await storedAs("bound:wrapped");
  expect(stored.includes(secret)).toBe(false);
  await pool.query(sql.unsafe`
    insert into shared_secrets (name, secret, create_time)
    values ('elsewhere:wrapped', ${sql.binary(stored)}, now())
  `);
  await expect(sharedSecret(pool, wrappingKeys, "elsewhere")).rejects.toThrow();
});

function storedAs(name: string): Promise<Buffer> {
  return pool.oneFirst(sql.type(z.object({ secret: z.instanceof(Buffer) }))`
    select secret
    from shared_secrets
    where name = ${name}
  `);
}
