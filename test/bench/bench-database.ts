import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { startEmbeddedPostgres } from "../../src/infrastructure/db/embedded-postgres.ts";
import { openMigratedPool } from "../support/migrated-pool.ts";

/** A real PostgreSQL for one run of the benchmark, migrated and with users in it. */
export interface BenchDatabase extends AsyncDisposable {
  readonly uri: string;
  readonly userIds: readonly string[];
  query<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
}

/** With a core, all processes of the database run on it. */
export async function openBenchDatabase(users: number, core?: string): Promise<BenchDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "auth-bench-"));
  await chmod(folder, 0o755);
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, "data") });
  if (core !== undefined) await pinPostmaster(folder, core);
  const client = new Client({ connectionString: postgres.uri });
  await (await openMigratedPool(postgres.uri, 2)).end();
  await client.connect();
  await client.query(
    `insert into users (id, email, email_key, display_name, attributes, create_time, update_time, version)
     select gen_random_uuid(), name, name, 'User', '{"team": "bench"}', time, time, 1
     from (
       select 'user-' || lpad(n::text, 8, '0') || '@example.com' as name, now() - n * interval '1 second' as time
       from generate_series(1, $1) as n
     ) as made`,
    [users],
  );
  await client.query("vacuum analyze");
  const query = async <Row extends object>(text: string, values: unknown[] = []) =>
    (await client.query<Row>(text, values)).rows;
  const ids = await query<{ id: string }>("select id from users limit 1000");
  return {
    uri: postgres.uri,
    userIds: ids.map(({ id }) => id),
    query,
    async [Symbol.asyncDispose]() {
      await client.end();
      await postgres.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** Backends are forked by the postmaster and stay on its core. */
async function pinPostmaster(folder: string, core: string): Promise<void> {
  const pidFile = await readFile(join(folder, "data/postgres/postmaster.pid"), "utf8");
  await promisify(execFile)("taskset", ["-a", "-p", "-c", core, pidFile.split("\n")[0] ?? ""]);
}
