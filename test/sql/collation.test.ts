import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { expect, inject, test } from "vitest";
import { CockroachRepository } from "../../src/interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import { aCall } from "../support/calls.ts";
import { openMigratedPool } from "../support/migrated-pool.ts";

// A range from a prefix to its end means something else there, and loses users.
test("a list by email prefix is right in a database that is ordered as a dictionary is", async () => {
  const server = new Client({ connectionString: inject("postgresUri") });
  await server.connect();
  const name = `test_${randomBytes(8).toString("hex")}`;
  await server.query(
    `create database ${name} template template0 locale_provider icu icu_locale 'und' locale 'C'`,
  );
  const uri = new URL(inject("postgresUri"));
  uri.pathname = name;
  const pool = await openMigratedPool(uri.href, 2);
  try {
    const { rows } = await server.query(
      "select datlocprovider as provider from pg_database where datname = $1",
      [name],
    );
    expect(rows).toEqual([{ provider: "i" }]);
    const repository = new CockroachRepository(pool);
    const keys = [
      "a-b@example.com",
      "a.b@example.com",
      "ab@example.com",
      "a_b@example.com",
      "a~b@example.com",
    ];
    for (const key of keys) {
      await repository.transaction(aCall(), ({ users }) =>
        users.insert(crypto.randomUUID(), {
          email: { value: key, key },
          username: undefined,
          displayName: "",
          attributes: {},
        }),
      );
    }
    for (const emailPrefix of ["a", "a-", "a.", "ab", "a_", "a~", "a~b@"]) {
      const found = await repository.read(aCall()).users.list({
        state: undefined,
        createdAfter: undefined,
        createdBefore: undefined,
        emailPrefix,
        showDeleted: false,
        orderBy: "id",
        descending: false,
        after: undefined,
        limit: 50,
      });
      expect(found.map(({ email }) => email?.key).sort()).toEqual(
        keys.filter((key) => key.startsWith(emailPrefix)).sort(),
      );
    }
  } finally {
    await pool.end();
    await server.query(`drop database ${name} with (force)`);
    await server.end();
  }
});
