import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runAttempts } from "../support/attempt-load.ts";
import { openMigratedPool } from "../support/migrated-pool.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";

const users = 1_000;
const attempts = 3_000;

const one = `
  insert into account_attempts (account, attempt_id, failures, lock_end_time, forget_time)
  values ('names/x', gen_random_uuid(), 1, now() - interval '1 day', now() + interval '1 day')`;

// A service that is migrated, analysed and goes live: a plan that reads a table whole has SERIALIZABLE lock all of it.
describe("password checks of 50 callers at once", () => {
  let database: TestDatabase;
  let client: Client;
  let userIds: string[];
  beforeAll(async () => {
    database = await createTestDatabase();
    await (await openMigratedPool(database.uri, 2)).end();
    client = new Client({ connectionString: database.uri });
    await client.connect();
    const { rows } = await client.query(
      `insert into users (id, username, username_key, display_name, attributes, create_time, update_time, version)
       select gen_random_uuid(), 'user-' || n, 'user-' || n, '', '{}', now(), now(), 1
       from generate_series(1, ${users}) as n
       returning id`,
    );
    userIds = rows.map(({ id }) => id);
    for (const table of ["account_attempts", "network_attempts", "events"]) {
      // The server would notice by itself after a minute or so.
      await client.query(`alter table ${table} set (autovacuum_enabled = false)`);
    }
  });
  afterAll(async () => {
    await client?.end();
    await database?.drop();
  });

  test.each([
    ["empty", "select"],
    ["of one row", one],
  ])(
    "abort one in ten at most where the tables were %s when they were analysed",
    { timeout: 120_000 },
    async (_name, fill) => {
      await client.query("truncate account_attempts, network_attempts, events");
      await client.query(fill);
      await client.query("analyze");
      const goesOn = (begun: number) => begun < attempts;
      const { aborts, succeeded, failed } = await runAttempts({
        uri: database.uri,
        userIds,
        callers: 50,
        goesOn,
      });
      expect(failed).toBe(0);
      expect(succeeded).toBe(attempts);
      expect(aborts / succeeded).toBeLessThanOrEqual(0.1);
    },
  );
});
