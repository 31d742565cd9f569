import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectionsFinding } from "../../src/cli/doctor/role-checks.ts";
import { auth } from "../support/cli.ts";
import { openMigratedPool } from "../support/migrated-pool.ts";
import { OwnPostgres } from "../support/own-postgres.ts";
import type { Environment } from "../support/service.ts";

const AUTH_WRAPPING_KEY = randomBytes(32).toString("base64");

describe("the command line as a role without all rights", () => {
  let postgres: OwnPostgres;
  let environment: Environment;

  beforeAll(async () => {
    postgres = await OwnPostgres.start();
    const pool = await openMigratedPool(postgres.uri(), 2);
    await pool.end();
    await postgres.createServiceRole();
    environment = { DATABASE_URL: postgres.uri("service"), AUTH_WRAPPING_KEY };
  });
  afterAll(() => postgres?.[Symbol.asyncDispose]());

  /** What doctor says of some things: "outcome: sentence" each. */
  async function about(checks: readonly string[], given: Environment = {}, args: readonly string[] = []) {
    const { stdout, stderr } = await auth(["doctor", "--json", ...args], { ...environment, ...given });
    expect(stderr).toBe("");
    const report: { checks: { check: string; outcome: string; says: string }[] } = JSON.parse(stdout);
    return checks.map((wanted) => {
      const found = report.checks.filter(({ check }) => check === wanted);
      return found.map(({ outcome, says }) => `${outcome}: ${says}`).join("\n");
    });
  }

  /** Runs the GRANTs that a sentence asks for. */
  async function obey(sentence = ""): Promise<void> {
    const statements = sentence.match(/GRANT [^;]+;/g) ?? [];
    expect(statements).not.toEqual([]);
    for (const statement of statements) await postgres.query(statement, "auth");
  }

  test("doctor is content with one that may read and write, and says that it may not migrate", async () => {
    expect(await about(["writes", "rights", "migration rights", "migrations"])).toEqual([
      "ok: Transactions can write.",
      'ok: The role "service" may read and write every table.',
      'ok: The role "service" may not migrate: for the next release, run `auth migrate` as another role.',
      "ok: No migration is missing.",
    ]);
    const [migrates] = await about(["migration rights"], { AUTH_MIGRATE: "auto" });
    expect(migrates).toMatch(/^warning: .* GRANT USAGE, CREATE ON SCHEMA "public" TO "service";/);
  });

  test("doctor prints the GRANTs that it lacks, and running them is all it takes", async () => {
    await postgres.revoke("insert, update on users");
    await postgres.revoke("insert, update on sessions");
    await postgres.revoke("select on events");
    const [rights] = await about(["rights"]);
    expect(rights).toBe(
      'failed: The role "service" lacks rights on 3 tables. Run as their owner: ' +
        'GRANT INSERT, UPDATE ON "public".users, "public".sessions TO "service"; ' +
        'GRANT SELECT ON "public".events TO "service";',
    );
    await obey(rights);
    expect(await about(["rights"])).toEqual([expect.stringMatching(/^ok: /)]);
  });

  test("doctor and migrate name a schema that it may not use, and a ledger that it may not read", async () => {
    await postgres.revoke("usage on schema public");
    const [rights, migrations] = await about(["rights", "migrations"]);
    expect(rights).toMatch(
      /^failed: .* may not use the schema\. .* GRANT USAGE ON SCHEMA "public" TO "service";$/,
    );
    expect(migrations).toContain("has no access to the schema");
    const refused = await auth(["migrate", "--check"], environment);
    expect(refused).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^auth: .*GRANT USAGE/),
    });
    await obey(rights);

    await postgres.revoke("select on migrations");
    const unread = await auth(["migrate", "--check"], environment);
    expect(unread.stderr).toMatch(
      /^auth: the role "service" cannot read .* GRANT SELECT ON "public"\.migrations TO/,
    );
    await obey(unread.stderr);
    expect(await auth(["migrate", "--check"], environment)).toMatchObject({ code: 0, stderr: "" });
  });

  test("migrate explains that it may not create tables, and then that it does not own them", async () => {
    await postgres.query("create database other template template0");
    await postgres.query("create role migrator login");
    await postgres.query(
      "revoke all on schema public from public; grant usage on schema public to migrator",
      "other",
    );
    const other = { ...environment, DATABASE_URL: postgres.uri("migrator", "other") };
    const refused = await auth(["migrate"], other);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toBe(
      'auth: the role "migrator" cannot create tables in the schema "public"; ' +
        'run as the schema\'s owner: GRANT USAGE, CREATE ON SCHEMA "public" TO "migrator";\n',
    );
    expect(refused.stderr).not.toContain("unexpected");
    for (const statement of refused.stderr.match(/GRANT [^;]+;/g) ?? [])
      await postgres.query(statement, "other");
    expect(await auth(["migrate"], other)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("migrating:"),
    });

    // As if a later release had steps more, which alter tables.
    await postgres.query("delete from migrations where id like '0011-%'", "other");
    await postgres.query("alter table users owner to postgres", "other");
    await postgres.query("grant all on users to migrator", "other");
    const alien = await auth(["migrate"], other);
    expect(alien.stderr).toMatch(
      /auth: the role "migrator" cannot migrate the database: must be owner of table users; run/,
    );
    const [rights] = await about(["migration rights"], { ...other });
    expect(rights).toMatch(
      /^failed: The role "migrator" does not own users, so it cannot migrate: run `auth migrate`/,
    );
  });

  test("doctor says that the database is read-only, and migrate that it cannot be migrated", async () => {
    await postgres.query("create database empty template template0");
    await postgres.setReadOnly(true);
    expect(await about(["writes"])).toEqual([
      expect.stringMatching(/^failed: The database is read-only: set default_transaction_read_only = off /),
    ]);
    const refused = await auth(["migrate"], {
      ...environment,
      DATABASE_URL: postgres.uri("postgres", "empty"),
    });
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^auth: cannot migrate a read-only database; /),
    });
    await postgres.setReadOnly(false);
    expect(await about(["writes"])).toEqual(["ok: Transactions can write."]);
  });

  test("doctor and commands say that the server is a standby", async () => {
    await postgres.demote();
    const [database] = await about(["database"]);
    expect(database).toMatch(
      /^failed: .*: it is a standby and accepts no writes; set DATABASE_URL to the primary\.$/,
    );
    await postgres.promote();
    await expect
      .poll(() => about(["database"]), { timeout: 20_000 })
      .toEqual([expect.stringMatching(/^ok: /)]);
  });

  test("doctor says that a newer release has migrated the database", async () => {
    await postgres.query("insert into migrations values ('9999-newer/table', 'x', now(), now())", "auth");
    expect(await about(["migrations"])).toEqual([
      "warning: No migration is missing, but a newer release applied 1 step, the last one 9999-newer/table: update this binary.",
    ]);
    await postgres.query("delete from migrations where id like '9999%'", "auth");
  });

  test("doctor compares the connections that others leave with those of all replicas", async () => {
    const [one] = await about(["connections"]);
    expect(one).toMatch(
      /^ok: The server's max_connections leaves 9\d connections, and 1 replica of AUTH_DATABASE_POOL_SIZE=10 hold 10\.$/,
    );
    const [many] = await about(["connections"], {}, ["--replicas", "12"]);
    expect(many).toMatch(
      /^failed: .* 12 replicas of AUTH_DATABASE_POOL_SIZE=10 hold 120: raise the limit, or lower/,
    );
    await postgres.query("alter role service connection limit 15");
    const [limited] = await about(["connections"]);
    expect(limited).toMatch(
      /^warning: The role's CONNECTION LIMIT leaves 15 .* while a rolling update runs one more/,
    );
    await postgres.query("alter role service connection limit -1");
  });
});

test("a finding about connections depends on whether there are enough, also for one replica more", () => {
  const of = (connections: number) =>
    connectionsFinding({ connections, limitedBy: "max_connections", poolSize: 10, replicas: 3 }).outcome;
  expect([of(29), of(30), of(39), of(40)]).toEqual(["failed", "warning", "warning", "ok"]);
});
