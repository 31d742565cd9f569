import { Client } from "pg";
import { expect, test } from "vitest";
import { createTestDatabase } from "./postgres.ts";

test("gives each test a database of its own", async () => {
  const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  const client = new Client({ connectionString: one.uri });
  client.on("error", () => {});
  await client.connect();
  const { rows } = await client.query("select current_database() as name, current_user as user");

  expect(rows).toEqual([{ name: new URL(one.uri).pathname.slice(1), user: "auth_service" }]);
  expect(other.uri).not.toBe(one.uri);

  // A test that forgot to disconnect does not keep its database.
  await Promise.all([one.drop(), other.drop()]);
  await expect(new Client({ connectionString: one.uri }).connect()).rejects.toMatchObject({ code: "3D000" });
});
