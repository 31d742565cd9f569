import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createServiceRole,
  readPassword,
  serviceUri,
  superuserUri,
  writeAccessRules,
} from "./embedded-postgres/access.ts";
import { findBinaries } from "./embedded-postgres/binaries.ts";
import { closedFolder, type UserIds } from "./embedded-postgres/closed-folder.ts";
import { checkCluster, createCluster, findCluster } from "./embedded-postgres/cluster.ts";
import { displayPath, prepareDataFolder } from "./embedded-postgres/data-folder.ts";
import {
  EmbeddedPostgresError,
  FolderInUseError,
  systemErrorCode,
} from "./embedded-postgres/embedded-postgres-error.ts";
import { type FolderLock, lockFolder } from "./embedded-postgres/folder-lock.ts";
import type { GuardedProcess } from "./embedded-postgres/guarded-process.ts";
import { chooseProcessOwner } from "./embedded-postgres/process-owner.ts";
import { reachablePrograms } from "./embedded-postgres/reachable-programs.ts";
import { fitsSocket, socketIn, startServer, untilReady } from "./embedded-postgres/server.ts";
import { ServerLog } from "./embedded-postgres/server-log.ts";
import { endServer, recordedProcess, send } from "./embedded-postgres/server-processes.ts";
import { TemporaryFolders } from "./embedded-postgres/temporary-folders.ts";

export { EmbeddedPostgresError, FolderInUseError };

/** A PostgreSQL server that this process owns, with its data in its own folder. */
export interface EmbeddedPostgres {
  /**
   * postgresql: URI of its database "auth", with a password. The parameter `host` is the folder of a Unix socket. The
   * role owns the database and is not a superuser.
   */
  readonly uri: string;
  /** Absolute path of the data folder. */
  readonly dataDir: string;
  /**
   * Stops the server: all data is on disk and the folder is free. May be called repeatedly.
   * @param clientsMs milliseconds to wait for connected clients before they are disconnected (default 0); new clients
   * are refused meanwhile
   */
  stop(clientsMs?: number): Promise<void>;
  /**
   * Resolves with a short reason if the server ends without a call of {@link stop}, which must then still be called.
   */
  readonly ended: Promise<string>;
}

export interface EmbeddedPostgresOptions {
  /** Folder that holds the data; created if missing. */
  readonly dataDir: string;
  /** Receives one line, without a line break, about slow or unusual steps. */
  readonly logger?: (line: string) => void;
  /** Aborts the start. Has no effect afterwards. */
  readonly signal?: AbortSignal;
  /**
   * Whether the database serves a single command. Another process that starts it then waits for the command instead
   * of failing.
   */
  readonly isBrief?: boolean;
  /** Called while a program runs and this process only waits for it. */
  readonly onWaiting?: () => void;
}

/**
 * Starts the database that is used if none is configured: a real PostgreSQL with full durability, on a Unix socket
 * that only root and the user it runs as can reach. It needs no configured account, password or port, creates its
 * data on the first start and recovers after a crash. It ends with this process, even if this process is killed.
 *
 * The data folder contains `postgres` (PGDATA), `postgres.log`, `lock`, `database-password`, `pg_hba.conf`, possibly
 * a copy of PostgreSQL's programs, and, while the server runs, `pid` and `temporary-folders`.
 *
 * @throws FolderInUseError if another process holds the data folder
 * @throws EmbeddedPostgresError if PostgreSQL cannot run here, or the folder does not belong to this process's user
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  try {
    return await start(options);
  } catch (error) {
    if (error instanceof EmbeddedPostgresError || systemErrorCode(error) === undefined) throw error;
    throw new EmbeddedPostgresError(
      `the embedded PostgreSQL cannot use ${displayPath(options.dataDir)} (${String(error)}); fix this, set AUTH_DATA_DIR to another folder, or set DATABASE_URL`,
      { cause: error },
    );
  }
}

async function start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { logger = () => {}, signal, onWaiting = () => {} } = options;
  signal?.throwIfAborted();
  const found = await findBinaries();
  const dataDir = await prepareDataFolder(options.dataDir);
  const pgdata = join(dataDir, "postgres");

  await using started = new AsyncDisposableStack();
  started.adopt(await takeFolder(dataDir, options), (lock) => lock.release());
  const log = started.adopt(ServerLog.open(dataDir), (file) => file.close());
  const folders = started.adopt(await TemporaryFolders.open(dataDir), (all) => all.removeAll());

  const existing = await findCluster(pgdata);
  const owner = await chooseProcessOwner(existing);
  const binaries = await reachablePrograms({ dataDir, binaries: found, owner, folders, logger });
  if (existing === undefined) {
    logger(`creating a new database in ${displayPath(pgdata)}`);
    await createCluster({ dataDir, pgdata, binaries, owner, folders, log, signal, onWaiting });
  } else {
    await checkCluster(pgdata, owner, binaries);
    await endServer(pgdata, logger);
  }

  signal?.throwIfAborted();
  const known = await readPassword(dataDir);
  await writeAccessRules(dataDir, known === undefined);
  const socketFolder = await folders.create(socketParent(owner.user), owner.user);
  const server = await startServer({ dataDir, pgdata, socketFolder, binaries, owner, log });
  onWaiting();
  let stopping = false;
  let patienceMs = 0;
  started.defer(async () => {
    stopping = true;
    await letClientsGo(server, pgdata, patienceMs);
    await stopServer(server, pgdata, logger);
  });
  const socket = socketIn(socketFolder);
  const uri = known === undefined ? superuserUri(socket) : serviceUri(socket, known);
  await ready(server, { uri, dataDir, log, logger, signal });
  const password = known ?? (await createServiceRole(dataDir, socket));

  const running = started.move();
  let stopped: Promise<void> | undefined;
  return {
    uri: serviceUri(socket, password),
    dataDir,
    stop(clientsMs = 0) {
      patienceMs = clientsMs;
      stopped ??= running.disposeAsync();
      return stopped;
    },
    ended: new Promise((resolve) => {
      void server.exited.then((reason = "exit code 0") => {
        if (!stopping) resolve(`PostgreSQL stopped unexpectedly (${reason}): ${log.tail(1)}`);
      });
    }),
  };
}

const lookEveryMs = 50;
/** Milliseconds to wait for a command, and for the commands that joined it. */
const briefMs = 30_000;

/** Locks the folder, waiting while a single command holds it. */
async function takeFolder(
  dataDir: string,
  { isBrief = false, logger = () => {}, signal }: EmbeddedPostgresOptions,
): Promise<FolderLock> {
  const endsAt = performance.now() + briefMs;
  for (let tries = 0; ; tries++) {
    try {
      return lockFolder(dataDir, isBrief);
    } catch (error) {
      const waits =
        error instanceof FolderInUseError && error.isBrief && !isBrief && performance.now() < endsAt;
      if (!waits) throw error;
      if (tries === 0) logger(`waiting for a command that uses ${displayPath(dataDir)} to finish`);
      await sleep(lookEveryMs, undefined, { ...(signal && { signal }) });
    }
  }
}

interface Readiness {
  /** URI of a database on the server. */
  readonly uri: string;
  readonly dataDir: string;
  readonly log: ServerLog;
  readonly logger: (line: string) => void;
  readonly signal: AbortSignal | undefined;
}

async function ready(
  server: GuardedProcess,
  { uri, dataDir, log, logger, signal }: Readiness,
): Promise<void> {
  const ended = new AbortController();
  void server.exited.then((reason = "exit code 0") =>
    ended.abort(
      new EmbeddedPostgresError(
        `the embedded PostgreSQL did not start (${reason}): ${log.tail()}; see ${displayPath(log.path)}, or set DATABASE_URL`,
      ),
    ),
  );
  const patience = setInterval(() => logger("PostgreSQL is not ready yet; it may be recovering"), 5_000);
  try {
    await untilReady(uri, dataDir, signal ? AbortSignal.any([signal, ended.signal]) : ended.signal);
  } finally {
    clearInterval(patience);
  }
}

/** PostgreSQL's smart shutdown: connected clients may finish, and new ones are refused. */
async function letClientsGo(server: GuardedProcess, pgdata: string, patienceMs: number): Promise<void> {
  const pid = patienceMs > 0 ? await recordedProcess(pgdata) : undefined;
  if (pid === undefined) return;
  send("SIGTERM", pid);
  await Promise.race([server.exited, sleep(patienceMs, undefined, { ref: false })]);
}

async function stopServer(server: GuardedProcess, pgdata: string, logger: (line: string) => void) {
  server.end();
  // If the guard was killed or the shutdown hangs, `endServer` ends the server by its process ID.
  await Promise.race([server.exited, sleep(2_000, undefined, { ref: false })]);
  await endServer(pgdata, logger);
  await server.exited;
}

/**
 * The system's temporary folder, or /tmp if its path is too long for a socket or the server's user cannot enter it.
 */
function socketParent(user: UserIds): string {
  const parent = resolve(tmpdir());
  return fitsSocket(parent) && closedFolder(parent, user) === undefined ? parent : "/tmp";
}
