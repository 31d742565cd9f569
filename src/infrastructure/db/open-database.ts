import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { DatabasePool } from "slonik";
import type { Secret } from "../../domain/secret.ts";
import { StartError } from "../process/start-error.ts";
import { patienceMs } from "./budget.ts";
import { connectToCockroach } from "./cockroach.ts";
import { explainMigrationError } from "./database-role.ts";
import type { LocatedDatabase } from "./locate-database.ts";
import { type Migration, migrate, newerSteps, pendingSteps } from "./migrate.ts";
import { allMigrations } from "./migrations/all-migrations.ts";
import type { Dialect } from "./migrations/migration-step.ts";
import { identifyServer } from "./server.ts";
import { databaseError } from "./sql-state.ts";

export interface ConnectOptions {
  readonly databasePoolSize: number;
  readonly databaseWaitMs: number;
  readonly log: (line: string) => void;
  /** Aborts the connection attempt. */
  readonly signal: AbortSignal;
}

export interface OpenDatabaseOptions extends ConnectOptions {
  readonly migrate: "auto" | "check";
}

/** A database that is reachable, identified and migrated. */
export interface Database extends AsyncDisposable {
  readonly pool: DatabasePool;
  /** Human-readable: "PostgreSQL 18.4 in /srv/auth/data". */
  readonly description: string;
  /** Resolves with a reason if the embedded database ends unexpectedly. */
  readonly ended: Promise<string>;
}

/** A database that is reachable and identified, but may lack migrations. */
export interface ConnectedDatabase extends Database {
  readonly dialect: Dialect;
  /**
   * Returns the IDs of the migration steps that the database lacks, in order.
   * @throws StartError if the ledger cannot be read, or a step was changed after it was applied
   */
  missingSteps(): Promise<string[]>;
  /** Returns the IDs of the steps that a newer release applied, in order. */
  newerSteps(): Promise<string[]>;
  /**
   * Applies the missing steps.
   * @throws StartError if a step cannot be applied
   */
  makeSteps(): Promise<void>;
}

/** Statement timeout of migrations: a step may build an index over millions of rows. */
const migrationTimeoutMs = 3_600_000;
const retryEveryMs = 250;

/**
 * Connects to a database, waiting for it if necessary, and applies or checks its migrations.
 * @throws StartError if any of that fails; the database is then disposed of
 */
export async function openDatabase(
  location: LocatedDatabase,
  options: OpenDatabaseOptions,
): Promise<Database> {
  await using opened = new AsyncDisposableStack();
  const database = opened.use(await connectDatabase(location, options));
  await applyOrCheckSteps(database, options.migrate);
  const { pool, description, ended } = database;
  const resources = opened.move();
  return { pool, description, ended, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/**
 * Applies the migrations that a database lacks, or refuses a database that lacks some.
 * @throws StartError if a migration fails, or one is missing in mode "check"
 */
export async function applyOrCheckSteps(
  database: Pick<ConnectedDatabase, "missingSteps" | "makeSteps">,
  mode: OpenDatabaseOptions["migrate"],
): Promise<void> {
  const missing = await database.missingSteps();
  if (missing.length === 0) return;
  if (mode === "auto") return database.makeSteps();
  throw new StartError(
    `the database lacks ${missing.length} migrations, the first being ${missing[0]}; ` +
      "run `auth migrate`, or start once with AUTH_MIGRATE=auto",
  );
}

/**
 * Connects to a database, waiting for it if necessary.
 * @throws StartError if the database cannot be reached or is not supported; it is then disposed of
 */
export async function connectDatabase(
  location: LocatedDatabase,
  options: ConnectOptions,
): Promise<ConnectedDatabase> {
  const { uri, place, ended } = location;
  await using opened = new AsyncDisposableStack();
  opened.use(location);
  const pool = await connect(uri, place, options);
  opened.defer(() => pool.end());
  const { dialect, version } = await identifyServer(pool).catch((error: Error) => {
    throw new StartError(`cannot use the database ${place}: ${error.message}`, { cause: error });
  });
  const migration: Migration = { steps: allMigrations, dialect, holder: randomUUID(), log: options.log };
  const explained = <T>(work: Promise<T>) =>
    work.catch(async (error: unknown) => {
      throw await explainMigrationError(pool, error);
    });
  const resources = opened.move();
  return {
    pool,
    description: `${dialect === "cockroachdb" ? "CockroachDB" : "PostgreSQL"} ${version} ${place}`,
    ended,
    dialect,
    missingSteps: async () => (await explained(pendingSteps(pool, migration))).map(({ id }) => id),
    newerSteps: () => newerSteps(pool, migration),
    makeSteps: () => explained(makeSteps(uri, migration)),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Connects, waiting for a server that does not answer yet: it may be starting too. */
async function connect(
  uri: Secret,
  place: string,
  { databasePoolSize, databaseWaitMs, log, signal }: ConnectOptions,
): Promise<DatabasePool> {
  const endsAt = performance.now() + databaseWaitMs;
  for (let tries = 0; ; tries++) {
    try {
      return await connectToCockroach({
        uri: uri.reveal(),
        poolSize: databasePoolSize,
        statementTimeoutMs: patienceMs,
      });
    } catch (error) {
      const reason = reasonOf(error);
      if (isRefusal(error) || performance.now() >= endsAt) {
        throw new StartError(`cannot connect to the database ${place}: ${reason}`, { cause: error });
      }
      if (tries === 0) log(`waiting for the database ${place}: ${reason}`);
      await sleep(retryEveryMs, undefined, { signal });
    }
  }
}

/** Whether the server answered with a refusal: wrong user, password or database (SQLSTATE classes 28 and 3D). */
function isRefusal(error: unknown): boolean {
  return /^(28|3D)/.test(databaseError(error)?.code ?? "");
}

function reasonOf(error: unknown): string {
  // Node reports several errors at once if a name has several addresses.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return first instanceof Error ? first.message : String(first);
}

async function makeSteps(uri: Secret, migration: Migration): Promise<void> {
  const patient = await connectToCockroach({
    uri: uri.reveal(),
    poolSize: 2,
    statementTimeoutMs: migrationTimeoutMs,
  });
  try {
    await migrate(patient, migration);
  } finally {
    await patient.end();
  }
}
