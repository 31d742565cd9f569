import { randomUUID } from "node:crypto";
import type { DatabasePool } from "slonik";
import { connectToCockroach } from "../../src/infrastructure/db/cockroach.ts";
import { migrate } from "../../src/infrastructure/db/migrate.ts";
import { allMigrations } from "../../src/infrastructure/db/migrations/all-migrations.ts";
import { identifyServer } from "../../src/infrastructure/db/server.ts";

/** A pool on a database that has every migration. */
export async function openMigratedPool(uri: string, poolSize: number): Promise<DatabasePool> {
  const pool = await connectToCockroach({ uri, poolSize, statementTimeoutMs: 10_000 });
  const { dialect } = await identifyServer(pool);
  await migrate(pool, { steps: allMigrations, dialect, holder: randomUUID(), log: () => {} });
  return pool;
}
