import { Client, type DatabaseError } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parseVersion } from "../../src/infrastructure/db/server.ts";
import { createTestDatabase, type TestDatabase } from "./postgres.ts";
import { WireProxy } from "./wire-proxy.ts";

let database: TestDatabase;
let direct: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  direct = await connected(database.uri);
  await direct.query(
    "create table notes (id int4 not null, body text, constraint notes_pkey primary key (id))",
  );
});
afterAll(async () => {
  await direct?.end();
  await database?.drop();
});

async function connected(uri: string): Promise<Client> {
  const client = new Client({ connectionString: uri });
  client.on("error", () => {});
  await client.connect();
  return client;
}

async function failureOf(work: Promise<unknown>): Promise<DatabaseError> {
  return work.then(
    () => expect.fail("it was answered"),
    (error) => error,
  );
}

const notes = async () => (await direct.query("select id from notes order by id")).rows.map(({ id }) => id);

describe("the fault proxy", () => {
  let proxy: WireProxy;
  let client: Client;

  beforeEach(async () => {
    await direct.query("truncate notes cascade");
    proxy = await WireProxy.start(database.uri);
    client = await connected(proxy.uri);
  });
  afterEach(async () => {
    await client.end();
    await proxy[Symbol.asyncDispose]();
  });

  const what = { code: "40001", message: "restart transaction" };
  const insert = { text: "insert into notes (id) values ($1)", values: [1] };

  test.each([
    { when: "before", becomes: [] },
    { when: "after", becomes: [1] },
  ] as const)(
    "an error $when a statement took effect, and a connection that goes on",
    async ({ when, becomes }) => {
      proxy.faults = (text) => (text.startsWith("insert") ? { when, what } : undefined);
      expect(await failureOf(client.query(insert))).toMatchObject(what);
      expect(await notes()).toEqual(becomes);
      expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    },
  );

  test.each([
    { when: "before", becomes: [] },
    { when: "after", becomes: [1] },
  ] as const)(
    "a cut $when a statement took effect, at which something is done first",
    async ({ when, becomes }) => {
      let called = 0;
      proxy.faults = (text) => (text.startsWith("insert") ? { when, what: () => called++ } : undefined);
      await expect(client.query(insert)).rejects.toThrow(/terminated/);
      expect(called).toBe(1);
      expect(await notes()).toEqual(becomes);
      expect(proxy.connections).toBe(0);
    },
  );

  test("FATAL ends the connection, a delay does not", async () => {
    proxy.faults = () => ({ when: "after", what: { delayMs: 50 } });
    const startedAt = performance.now();
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    expect(performance.now() - startedAt).toBeGreaterThan(45);
    const fatal = { code: "57P01", message: "terminating connection", severity: "FATAL" } as const;
    proxy.faults = () => ({ when: "before", what: fatal });
    expect(await failureOf(client.query("select 1"))).toMatchObject({ code: "57P01" });
    await expect(client.query("select 1")).rejects.toThrow();
  });
});

describe("the fault proxy as CockroachDB", () => {
  let proxy: WireProxy;
  let client: Client;

  beforeEach(async () => {
    await direct.query("truncate notes cascade");
    proxy = await WireProxy.start(database.uri, { as: "cockroachdb" });
    client = await connected(proxy.uri);
  });
  afterEach(async () => {
    await client.end();
    await proxy[Symbol.asyncDispose]();
  });

  test("says that it is a CockroachDB in support, to simple and prepared queries", async () => {
    const { rows } = await client.query("select version() as version");
    expect(parseVersion(rows[0].version)).toEqual({ dialect: "cockroachdb", version: "25.2" });
    const prepared = { name: "v", text: "select $1::int4 as n, version(), null as none", values: [7] };
    for (const _ of [1, 2]) {
      const [row] = (await client.query(prepared)).rows;
      expect(row).toEqual({ n: 7, version: rows[0].version, none: null });
    }
  });

  test("names the constraint that is violated, and nothing else", async () => {
    await direct.query("insert into notes (id) values (1)");
    const insert = "insert into notes (id) values (1)";
    expect(await failureOf(direct.query(insert))).toMatchObject({ table: "notes", schema: "public" });
    const error = await failureOf(client.query(insert));
    expect(error).toMatchObject({ code: "23505", constraint: "notes_pkey" });
    const { schema, table, column, dataType } = error;
    expect([schema, table, column, dataType]).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("has its own words for a statement that was cancelled or took too long", async () => {
    const { rows } = await client.query("select pg_backend_pid() as pid");
    const cancelled = failureOf(client.query("select pg_sleep(5)"));
    let { rowCount } = await direct.query("select 1 where false");
    while (rowCount === 0) {
      const running =
        "select from pg_stat_activity where pid = $1 and query like '%pg_sleep%' and state = 'active'";
      ({ rowCount } = await direct.query(running, [rows[0].pid]));
    }
    await direct.query("select pg_cancel_backend($1)", [rows[0].pid]);
    expect(await cancelled).toMatchObject({ code: "57014", message: "query execution canceled" });
    await client.query("set statement_timeout = 20");
    expect(await failureOf(client.query("select pg_sleep($1)", [5]))).toMatchObject({
      code: "57014",
      message: "query execution canceled due to statement timeout",
    });
  });

  test("commits the open transaction before a schema change", async () => {
    await client.query("begin");
    await client.query("insert into notes (id) values (1)");
    await client.query("create index if not exists notes_body on notes (body)");
    expect(await notes()).toEqual([1]);
    await client.query("rollback");
    expect(await notes()).toEqual([1]);
    expect(proxy.statements.at(-2)).toMatch(/^create index/);
    // Prepared, and with an error of the commit's own.
    await direct.query(`
      create table if not exists late (id int4 constraint late_fkey references notes deferrable initially deferred)
    `);
    await client.query("begin");
    await client.query("insert into late (id) values (99)");
    const failure = await failureOf(client.query({ name: "ddl", text: "create table never_made (id int4)" }));
    expect(failure).toMatchObject({ code: "23503", constraint: "late_fkey" });
    expect((await client.query("select to_regclass('never_made') as made")).rows).toEqual([{ made: null }]);
  });

  test("gives every advisory lock to everybody", async () => {
    const other = await connected(proxy.uri);
    for (const session of [client, other]) {
      const lock = "select pg_try_advisory_lock($1) as got, pg_advisory_lock(1, (2)) as waited";
      expect((await session.query(lock, [42])).rows).toEqual([{ got: true, waited: true }]);
      const unlock = "select pg_advisory_unlock_all() as all, pg_try_advisory_xact_lock_shared(7) as shared";
      expect((await session.query(unlock)).rows).toEqual([{ all: true, shared: true }]);
    }
    const locks = await direct.query("select from pg_locks where locktype = 'advisory'");
    expect(locks.rowCount).toBe(0);
    await other.end();
  });
});
