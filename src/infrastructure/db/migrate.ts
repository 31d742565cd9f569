import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type CommonQueryMethods, type QuerySqlToken, sql } from "slonik";
import { z } from "zod";
import { StartError } from "../process/start-error.ts";
import { describeRole, schemaGrant } from "./database-role.ts";
import { withLease } from "./lease.ts";
import type { Dialect, MigrationStep } from "./migrations/migration-step.ts";
import { databaseError, sqlState } from "./sql-state.ts";

/** The database and this release are incompatible, and waiting does not help. */
export class MigrationError extends StartError {}

export interface Migration {
  readonly steps: readonly MigrationStep[];
  readonly dialect: Dialect;
  /** Identifies this process among those that migrate at the same time. */
  readonly holder: string;
  readonly log: (line: string) => void;
}

const verifyEveryMs = 100;

/**
 * Applies every step that the ledger does not list as finished, one at a time, in order, under a lease. If the
 * process is killed at any point, the next run continues. If several instances start at once, one applies the steps
 * while the others wait and then find them done.
 * @throws MigrationError if a step was changed after it was applied, or if the data must be corrected first
 */
export async function migrate(connection: CommonQueryMethods, migration: Migration): Promise<void> {
  if ((await pendingSteps(connection, migration)).length === 0) return;
  await createLedger(connection);
  await withLease(
    connection,
    "migrations",
    migration.holder,
    async (signal) => {
      for (const step of await pendingSteps(connection, migration)) {
        signal.throwIfAborted();
        migration.log(`migrating: ${step.id}`);
        await applyStep(connection, step, signal);
      }
    },
    () => migration.log("another instance is migrating the database; waiting for it"),
  );
}

/**
 * Returns the steps that the ledger does not list as finished. Steps that only the ledger knows are fine: a newer
 * release applied them, and they remove nothing that this release uses.
 * @throws MigrationError if a step was changed after it was applied
 */
export async function pendingSteps(
  connection: CommonQueryMethods,
  { steps, dialect }: Pick<Migration, "steps" | "dialect">,
): Promise<MigrationStep[]> {
  const finished = await readLedger(connection);
  return steps
    .filter(({ only }) => only === undefined || only === dialect)
    .filter((step) => {
      const checksum = finished.get(step.id);
      if (checksum !== undefined && checksum !== checksumOf(step.statement)) {
        throw new MigrationError(`migration ${step.id} has changed since this database applied it`);
      }
      return checksum === undefined;
    });
}

/** Returns the IDs of finished steps that this release does not know: a newer release applied them. */
export async function newerSteps(
  connection: CommonQueryMethods,
  { steps }: Pick<Migration, "steps">,
): Promise<string[]> {
  const known = new Set(steps.map(({ id }) => id));
  return [...(await readLedger(connection)).keys()].filter((id) => !known.has(id)).sort();
}

const tableRow = z.object({ found: z.boolean(), has_schema: z.boolean() });
const ledgerRow = z.object({ id: z.string(), checksum: z.string() });

/** Reads the checksums of the finished steps, by ID. Empty if there is no ledger yet. */
async function readLedger(connection: CommonQueryMethods): Promise<Map<string, string>> {
  // Not from information_schema, which hides tables on which the role has no rights.
  const { found, has_schema } = await connection.one(sql.type(tableRow)`
    select
      (to_regclass('migrations') is not null)::bool as found,
      (current_schema() is not null)::bool as has_schema
  `);
  if (!has_schema) {
    const role = await describeRole(connection);
    throw new MigrationError(
      `the role ${role.name} has no access to the schema ${role.schema}; run as its owner: ${schemaGrant(role, "USAGE")}`,
    );
  }
  if (!found) return new Map();
  const rows = await connection.any(sql.type(ledgerRow)`
    select id, checksum
    from migrations
    where finish_time is not null
  `);
  return new Map(rows.map(({ id, checksum }) => [id, checksum]));
}

async function createLedger(connection: CommonQueryMethods): Promise<void> {
  await repeatable(
    connection,
    sql.unsafe`
    create table if not exists migrations (
      id text not null,
      checksum text not null,
      start_time timestamptz(3) not null,
      finish_time timestamptz(3),
      constraint migrations_pkey primary key (id)
    )
  `,
  );
  await repeatable(
    connection,
    sql.unsafe`
    create table if not exists leases (
      name text not null,
      holder text not null,
      expire_time timestamptz(3) not null,
      constraint leases_pkey primary key (name)
    )
  `,
  );
}

/**
 * Errors that PostgreSQL's `if not exists` can still raise if another session creates the same object at that moment.
 */
const collisions: ReadonlySet<string | undefined> = new Set([
  sqlState.uniqueViolation,
  sqlState.duplicateTable,
  // A table's row type enters pg_type before the table becomes visible.
  sqlState.duplicateObject,
  sqlState.serializationFailure,
]);

/** Runs an idempotent statement that other instances may run at the same moment. */
async function repeatable(
  connection: CommonQueryMethods,
  statement: QuerySqlToken,
  tries = 10,
): Promise<void> {
  try {
    await connection.query(statement);
  } catch (error) {
    if (!collisions.has(databaseError(error)?.code) || tries <= 1) throw error;
    await sleep(verifyEveryMs);
    await repeatable(connection, statement, tries - 1);
  }
}

async function applyStep(
  connection: CommonQueryMethods,
  { id, statement, refusal, verify }: MigrationStep,
  signal: AbortSignal,
): Promise<void> {
  if (refusal !== undefined) {
    const { count } = await connection.one(refusal.count);
    if (count > 0) throw new MigrationError(`${id}: ${refusal.message(count)}`);
  }
  const checksum = checksumOf(statement);
  await connection.query(sql.unsafe`
    insert into migrations (id, checksum, start_time)
    values (${id}, ${checksum}, now())
    on conflict (id) do update
    set checksum = excluded.checksum, start_time = excluded.start_time
  `);
  await repeatable(connection, statement);
  while (verify !== undefined && !(await connection.one(verify)).done) {
    await sleep(verifyEveryMs, undefined, { signal });
  }
  await connection.query(sql.unsafe`
    update migrations
    set finish_time = now()
    where id = ${id}
  `);
}

/** SHA-256 of a statement's text, independent of its indentation. */
function checksumOf({ sql: text }: QuerySqlToken): string {
  return createHash("sha256").update(text.replace(/\s+/g, " ").trim()).digest("hex");
}
