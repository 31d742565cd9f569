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
  // As on CockroachDB, so that neither database shows anomalies.
  default_transaction_isolation: "serializable",
  fsync: "on",
  full_page_writes: "on",
  synchronous_commit: "on",
  max_connections: "64",
  // The superuser cannot connect, so no connection is reserved for it.
  superuser_reserved_connections: "0",
  // Iterations slow down guessing, which is not needed: the only password here is 256 random bits.
  scram_iterations: "1",
  shared_buffers: "64MB",
  // In containers without huge pages, PostgreSQL is killed if it requests them.
  huge_pages: "off",
  // No processes for features that this service does not use.
  io_method: "sync",
  max_logical_replication_workers: "0",
  max_parallel_workers_per_gather: "0",
  timezone: "UTC",
  log_timezone: "UTC",
  // A statement's error goes to the client that sent it; its details contain personal data, which must not be in a
  // file.
  log_min_messages: "log",
  log_checkpoints: "off",
};

export interface ServerPlan {
  readonly dataDir: string;
  readonly pgdata: string;
  /** Folder for the socket: short, and closed to other users. It is removed when the server ends. */
  readonly socketFolder: string;
  readonly binaries: Binaries;
  readonly owner: ProcessOwner;
  readonly log: ServerLog;
}

/**
 * Starts the server of a cluster. Its settings are passed here and not stored in the cluster: they belong to the
 * program.
 */
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
    // Until PostgreSQL has installed its handlers, the shell's background process ignores SIGINT, and SIGTERM ends
    // it. Afterwards SIGINT turns the smart shutdown, which waits for clients, into a fast one, which does not.
    ending: "kill -TERM $program; kill -INT $program",
    removes: socketFolder,
    owner,
    log: log.descriptor,
    // The process in a postmaster.pid from before a crash is known not to be a server, but another process may have
    // its ID now, and PostgreSQL would take that one for a server. Declared as its grandparent, the ID is ignored,
    // while the other check, for shared memory still in use, remains.
    environment: recorded === undefined ? {} : { PG_GRANDPARENT_PID: String(recorded) },
  });
}

/** The socket of a server that was started with this folder. */
export function socketIn(folder: string): ServerSocket {
  return { folder, port };
}

/** Whether the path of a socket, below a temporary folder in this folder, fits the kernel's limit of 107 bytes. */
export function fitsSocket(folder: string): boolean {
  return Buffer.byteLength(`${folder}/auth-pg-0123456789ab/.s.PGSQL.${port}`) <= 107;
}

/** SQLSTATE class of a server that is starting up, recovering or shutting down. */
const operatorIntervention = "57P";

/**
 * Waits until a database accepts connections. Recovery after a crash has no time limit.
 *
 * @throws EmbeddedPostgresError if the server refuses the connection; the abort reason of the signal
 */
export async function untilReady(uri: string, dataDir: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await query(uri, "select 1");
    } catch (error) {
      if (!isStillStarting(error)) throw noConnection(error, dataDir);
    }
    await sleep(5);
  }
}

function isStillStarting(error: unknown): boolean {
  if (error instanceof DatabaseError) return error.code?.startsWith(operatorIntervention) ?? false;
  const code = systemErrorCode(error);
  // Without a code: pg's own errors for a server that closed the connection without an answer, or did not answer.
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
