import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { DatabasePool } from "slonik";
import { StartError } from "../start-error.ts";
import { patienceMs } from "./budget.ts";
import { connectToCockroach } from "./cockroach.ts";
import type { LocatedDatabase } from "./locate-database.ts";
import { type Migration, migrate, pendingSteps } from "./migrate.ts";
import { allMigrations } from "./migrations/all-migrations.ts";
import { type DatabaseServer, identifyServer } from "./server.ts";
import { databaseError } from "./sql-state.ts";

export interface OpenDatabaseOptions {
  readonly databasePoolSize: number;
  readonly databaseWaitMs: number;
  readonly migrate: "auto" | "check";
  readonly log: (line: string) => void;
  /** Gives up opening. */
  readonly signal: AbortSignal;
}

/** A database that is there, known and migrated. */
export interface Database extends AsyncDisposable {
  readonly pool: DatabasePool;
  /** For people: "PostgreSQL 18.4 in /srv/auth/data". */
  readonly description: string;
  /** Resolves with a reason if the embedded database ends by itself. */
  readonly ended: Promise<string>;
}

/** A step of a migration may fill an index of millions of rows. */
const migrationTimeoutMs = 3_600_000;
const retryEveryMs = 250;

/**
 * Connects to a database, waits for it where need be, and makes or checks its migrations.
 * @throws StartError; the database is disposed of then
 */
export async function openDatabase(
  location: LocatedDatabase,
  options: OpenDatabaseOptions,
): Promise<Database> {
  const { uri, place, ended } = location;
  await using opened = new AsyncDisposableStack();
  opened.use(location);
  const pool = await connect(uri, place, options);
  opened.defer(() => pool.end());
  const server = await identifyServer(pool).catch((error: Error) => {
    throw new StartError(`The database ${place} cannot be used: ${error.message}.`, { cause: error });
  });
  await makeOrCheckMigrations(pool, uri, server, options);
  const resources = opened.move();
  const name = server.dialect === "cockroachdb" ? "CockroachDB" : "PostgreSQL";
  return {
    pool,
    description: `${name} ${server.version} ${place}`,
    ended,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Connects, and waits for a server that is not there yet: it may be starting too. */
async function connect(
  uri: string,
  place: string,
  { databasePoolSize, databaseWaitMs, log, signal }: OpenDatabaseOptions,
): Promise<DatabasePool> {
  const endsAt = performance.now() + databaseWaitMs;
  for (let tries = 0; ; tries++) {
    try {
      return await connectToCockroach({ uri, poolSize: databasePoolSize, statementTimeoutMs: patienceMs });
    } catch (error) {
      const reason = reasonOf(error);
      if (isRefusal(error) || performance.now() >= endsAt) {
        throw new StartError(`The database ${place} cannot be reached: ${reason}.`, { cause: error });
      }
      if (tries === 0) log(`waiting for the database ${place}: ${reason}`);
      await sleep(retryEveryMs, undefined, { signal });
    }
  }
}

/** Whether the server is there and says no: the user, its password or the database is wrong (classes 28 and 3D). */
function isRefusal(error: unknown): boolean {
  return /^(28|3D)/.test(databaseError(error)?.code ?? "");
}

function reasonOf(error: unknown): string {
  // Node answers several failures at once where a name has several addresses.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return first instanceof Error ? first.message : String(first);
}

async function makeOrCheckMigrations(
  pool: DatabasePool,
  uri: string,
  { dialect }: DatabaseServer,
  { migrate: mode, log }: OpenDatabaseOptions,
): Promise<void> {
  const migration: Migration = { steps: allMigrations, dialect, holder: randomUUID(), log };
  const pending = await pendingSteps(pool, migration);
  if (pending.length === 0) return;
  if (mode === "check") {
    throw new StartError(
      `The database lacks ${pending.length} migration steps, the first being ${pending[0]?.id}. ` +
        "Start once with AUTH_MIGRATE=auto to make them.",
    );
  }
  const patient = await connectToCockroach({ uri, poolSize: 2, statementTimeoutMs: migrationTimeoutMs });
  try {
    await migrate(patient, migration);
  } finally {
    await patient.end();
  }
}
