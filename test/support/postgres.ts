import { randomBytes } from "node:crypto";
import { appendFile, chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { inject } from "vitest";
import type { TestProject } from "vitest/node";
import { recordedProcess } from "../../src/infrastructure/db/embedded-postgres/server-processes.ts";
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "../../src/infrastructure/db/embedded-postgres.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** URI of the database "auth" on the PostgreSQL that all tests of a run share. */
    postgresUri: string;
  }
}

/**
 * Vitest's globalSetup: one PostgreSQL for a whole test run, in a folder that goes with it. Where TEST_DATABASE_URL names
 * a server, that is it: .github/workflows runs some tests on others so.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env["TEST_DATABASE_URL"];
  if (given) {
    project.provide("postgresUri", given);
    return async () => {};
  }
  const folder = await mkdtemp(join(tmpdir(), "auth-test-"));
  try {
    // Whoever PostgreSQL runs as has to get through.
    await chmod(folder, 0o755);
    const postgres = await startEmbeddedPostgres({ dataDir: join(folder, "data") });
    // Tests create databases, and look behind what the service's own role may see.
    await execute(await letSuperuserIn(postgres), "alter role auth_service superuser");
    project.provide("postgresUri", postgres.uri);
    return async () => {
      await postgres.stop();
      await rm(folder, { recursive: true });
    };
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
}

/** Lets the superuser of an embedded PostgreSQL in, as whoever administers the host can. Answers its URI. */
async function letSuperuserIn({ uri, dataDir }: EmbeddedPostgres): Promise<string> {
  await appendFile(join(dataDir, "pg_hba.conf"), "local all auth trust\n");
  const pid = await recordedProcess(join(dataDir, "postgres"));
  if (pid === undefined) throw new Error(`no server runs on ${dataDir}`);
  process.kill(pid, "SIGHUP");
  const superuser = new URL(uri);
  superuser.username = "auth";
  superuser.password = "";
  for (;;) {
    try {
      await execute(superuser.href, "select 1");
      return superuser.href;
    } catch (error) {
      // The rules are read a moment later.
      if ((error as { code?: string }).code !== "28000") throw error;
    }
  }
}

/** A database of a test's own, empty at first. */
export interface TestDatabase {
  readonly uri: string;
  /** Removes it, with whoever is still connected. */
  drop(): Promise<void>;
}

/** Creates a database with a random name on the PostgreSQL of the test run, owned by the role of the URI. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = inject("postgresUri");
  const name = `test_${randomBytes(8).toString("hex")}`;
  await execute(server, `create database ${name}`);
  const uri = new URL(server);
  uri.pathname = name;
  return { uri: uri.href, drop: () => dropDatabase(server, name) };
}

async function dropDatabase(server: string, name: string): Promise<void> {
  const [{ version } = {}] = await execute(server, "select version() as version");
  const anyway = String(version).startsWith("CockroachDB") ? "cascade" : "with (force)";
  await execute(server, `drop database ${name} ${anyway}`);
}

async function execute(uri: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: uri });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}
