import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseError } from "pg";
import { accessRules, passwordFile, query, type ServerSocket } from "./access.ts";
import type { Binaries } from "./binaries.ts";
import { displayPath } from "./data-folder.ts";
import { EmbeddedPostgresError, systemErrorCode } from "./embedded-postgres-error.ts";
import { type GuardedProcess, spawnGuarded } from "./guarded-process.ts";
import type { ProcessOwner } from "./process-owner.ts";
import type { ServerLog } from "./server-log.ts";
import { clusterName, recordedProcess } from "./server-processes.ts";

const port = 5432;

const settings = {
  listen_addresses: "",
  unix_socket_permissions: "0700",
  // As CockroachDB, so that both databases show the same anomalies: none.
  default_transaction_isolation: "serializable",
  fsync: "on",
  full_page_writes: "on",
  synchronous_commit: "on",
  max_connections: "64",
  // The superuser is not let in, so none is kept for it.
  superuser_reserved_connections: "0",
  // They slow down guessing, and the one password here is 256 random bits.
  scram_iterations: "1",
  shared_buffers: "64MB",
  // Asking for them gets PostgreSQL killed in containers which have none to give.
  huge_pages: "off",
  // No processes that this service has no work for.
  io_method: "sync",
  max_logical_replication_workers: "0",
  max_parallel_workers_per_gather: "0",
  timezone: "UTC",
  log_timezone: "UTC",
  // An error of a statement goes to who sent it; its details hold personal data and have no place in a file.
  log_min_messages: "log",
  log_checkpoints: "off",
};

export interface ServerPlan {
  readonly dataDir: string;
  readonly pgdata: string;
  /** Folder for the socket: short, and closed to everybody else. It is removed when the server ends. */
  readonly socketFolder: string;
  readonly binaries: Binaries;
  readonly owner: ProcessOwner;
  readonly log: ServerLog;
}

/** Starts the server of a cluster. Its settings are given here and not in the cluster: they belong to the program. */
export async function startServer(plan: ServerPlan): Promise<GuardedProcess> {
  const { dataDir, pgdata, socketFolder, binaries, owner, log } = plan;
  const given = {
    ...settings,
    hba_file: accessRules(dataDir),
    cluster_name: await clusterName(pgdata),
    unix_socket_directories: `"${socketFolder.replaceAll('"', '""')}"`,
  };
  const options = Object.entries(given).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const recorded = await recordedProcess(pgdata);
  return spawnGuarded({
    command: [binaries.postgres, "-D", pgdata, ...options],
    // Before PostgreSQL has set up its handlers a shell's background process ignores SIGINT, and SIGTERM ends it.
    // Afterwards SIGINT makes of the one shutdown, which waits for clients, the other, which does not.
    ending: "kill -TERM $program; kill -INT $program",
    removes: socketFolder,
    owner,
    log: log.descriptor,
    // The process in a postmaster.pid from before a crash is known to be no server, but its number may have been given
    // to another one, and PostgreSQL would take that for one. Said to be its grandparent, it is left out of account,
    // while the other check, for shared memory still in use, stays.
    environment: recorded === undefined ? {} : { PG_GRANDPARENT_PID: String(recorded) },
  });
}

/** Where a server that was started with this folder is. */
export function socketIn(folder: string): ServerSocket {
  return { folder, port };
}

/** Whether a socket's path below a temporary folder in this folder stays within the 107 bytes that the kernel allows. */
export function fitsSocket(folder: string): boolean {
  return Buffer.byteLength(`${folder}/auth-pg-0123456789ab/.s.PGSQL.${port}`) <= 107;
}

/** Starting up, recovering, or shutting down. */
const operatorIntervention = "57P";

/**
 * Waits until a database takes connections. A recovery after a crash takes the time it takes.
 *
 * @throws EmbeddedPostgresError when it refuses to, or what the signal was aborted with.
 */
export async function untilReady(uri: string, dataDir: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await query(uri, "select 1");
    } catch (error) {
      if (!isNotYet(error)) throw noConnection(error, dataDir);
    }
    await sleep(5);
  }
}

function isNotYet(error: unknown): boolean {
  if (error instanceof DatabaseError) return error.code?.startsWith(operatorIntervention) ?? false;
  const code = systemErrorCode(error);
  // None: pg's own errors for a server that closed the connection without a word, or kept silent.
  return code === undefined || code === "ENOENT" || code === "ECONNREFUSED" || code === "ECONNRESET";
}

const invalidPassword = "28P01";

function noConnection(error: unknown, dataDir: string): EmbeddedPostgresError {
  if (error instanceof DatabaseError && error.code === invalidPassword) {
    const file = displayPath(passwordFile(dataDir));
    return new EmbeddedPostgresError(
      `the embedded PostgreSQL rejects the password in ${file}; restore the file that belongs to the data, or remove it and start again to create a new one`,
      { cause: error },
    );
  }
  return new EmbeddedPostgresError(
    `the embedded PostgreSQL accepts no connections (${String(error)}); fix this, or set DATABASE_URL`,
    { cause: error },
  );
}
