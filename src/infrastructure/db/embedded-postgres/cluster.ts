import { lstat, readFile, rename, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Binaries } from "./binaries.ts";
import { displayPath, syncNames } from "./data-folder.ts";
import { EmbeddedPostgresError, systemErrorCode } from "./embedded-postgres-error.ts";
import { spawnGuarded } from "./guarded-process.ts";
import { withoutAccount } from "./nameless-programs.ts";
import type { ExistingCluster, ProcessOwner } from "./process-owner.ts";
import type { ServerLog } from "./server-log.ts";
import type { TemporaryFolders } from "./temporary-folders.ts";

/** The cluster in a folder; undefined when there is none. */
export async function findCluster(pgdata: string): Promise<ExistingCluster | undefined> {
  try {
    const { uid, gid } = await lstat(pgdata);
    return { pgdata, owner: { uid, gid } };
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Makes sure that an existing cluster is one these programs can run.
 *
 * @throws EmbeddedPostgresError when it belongs to somebody else or to another major version, or is no cluster.
 */
export async function checkCluster(pgdata: string, owner: ProcessOwner, binaries: Binaries): Promise<void> {
  const { uid } = await stat(pgdata);
  if (uid !== owner.user.uid) {
    throw new EmbeddedPostgresError(
      `${displayPath(pgdata)} belongs to uid ${uid}, but this process runs as uid ${owner.user.uid}; run auth as the folder's owner, change the owner with chown -R, or set AUTH_DATA_DIR to another folder`,
    );
  }
  const version = await readFile(join(pgdata, "PG_VERSION"), "utf8").catch((error: unknown) => {
    throw new EmbeddedPostgresError(
      `${displayPath(pgdata)} contains no readable PostgreSQL data (${systemErrorCode(error)}); restore it, remove it, or set AUTH_DATA_DIR to another folder`,
      { cause: error },
    );
  });
  if (version.trim() !== binaries.major) {
    throw new EmbeddedPostgresError(
      `${displayPath(pgdata)} was written by PostgreSQL ${version.trim()}, but this is PostgreSQL ${binaries.major}; move the data with pg_dump and pg_restore, or set AUTH_DATA_DIR to another folder`,
    );
  }
}

/** Everything that a new cluster is made with and from. */
export interface ClusterPlan {
  readonly dataDir: string;
  readonly pgdata: string;
  readonly binaries: Binaries;
  readonly owner: ProcessOwner;
  readonly folders: TemporaryFolders;
  readonly log: ServerLog;
  readonly signal: AbortSignal | undefined;
  readonly onWaiting: () => void;
}

/**
 * Creates a new cluster: UTF-8, C collation, superuser "auth", and a pg_hba.conf of its own that rejects everything.
 * It appears under its name only when it is whole and on disk, so a crash halfway leaves nothing that looks like one.
 *
 * @throws EmbeddedPostgresError with what initdb said, or what the signal was aborted with.
 */
export async function createCluster(plan: ClusterPlan): Promise<void> {
  const { dataDir, pgdata, folders, log, signal } = plan;
  await refuseFullDisk(dataDir);
  const draft = await folders.create(dataDir, plan.owner.user);
  try {
    const failure = await runInitdb(draft, plan);
    signal?.throwIfAborted();
    if (failure !== undefined) {
      throw new EmbeddedPostgresError(
        `the embedded PostgreSQL could not create its data in ${displayPath(pgdata)} (${failure}): ${log.tail()}; fix this, or set DATABASE_URL`,
      );
    }
    await rename(draft, pgdata);
    await syncNames(dataDir);
  } finally {
    await folders.remove(draft);
  }
}

/** Of a new cluster, and some room for its first write-ahead log. */
const neededMebibytes = 100;

/** initdb itself could not even log that the disk is full. */
async function refuseFullDisk(dataDir: string): Promise<void> {
  const { bavail, bsize } = await statfs(dataDir);
  const free = Math.floor((bavail * bsize) / 1_048_576);
  if (free >= neededMebibytes) return;
  throw new EmbeddedPostgresError(
    `the data folder ${displayPath(dataDir)} has ${free} MiB left on its disk, and a new database needs ${neededMebibytes}; free some space, or set AUTH_DATA_DIR to another folder`,
  );
}

/** Answers how initdb ended, if not well. It syncs all that it has written. */
async function runInitdb(folder: string, plan: ClusterPlan) {
  const { owner, log, signal, onWaiting } = plan;
  await using programs = await withoutAccount(plan);
  signal?.throwIfAborted();
  const initdb = spawnGuarded({
    command: [programs.initdb, "-D", folder, ...initdbOptions],
    // It finishes what it is at, some hundred milliseconds, and takes away what it has written.
    ending: "kill -TERM $program",
    owner,
    log: log.descriptor,
  });
  signal?.addEventListener("abort", initdb.end);
  onWaiting();
  try {
    return await initdb.exited;
  } finally {
    signal?.removeEventListener("abort", initdb.end);
  }
}

const initdbOptions = [
  "--encoding=UTF8",
  "--locale=C",
  "--auth=reject",
  "--username=auth",
  // Asking for them gets PostgreSQL killed in containers which have none to give.
  "--set=huge_pages=off",
  "--no-instructions",
];
