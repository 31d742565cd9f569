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

/** Finds the cluster in a folder; undefined if there is none. */
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
 * Checks that these programs can run an existing cluster.
 *
 * @throws EmbeddedPostgresError if the folder belongs to another user, is not a cluster, or has another major version
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

/** The parts and settings needed to create a cluster. */
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
 * Creates a new cluster: UTF-8, C collation, superuser "auth", and its own pg_hba.conf that rejects everything. It
 * gets its final name only when it is complete and on disk, so a crash halfway leaves nothing that looks like a
 * cluster.
 *
 * @throws EmbeddedPostgresError with initdb's output if it fails; the abort reason of the signal
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

/** Size of a new cluster with some room for its first write-ahead log. */
const neededMebibytes = 100;

/** Checks the free space up front: on a full disk, initdb could not even log the failure. */
async function refuseFullDisk(dataDir: string): Promise<void> {
  const { bavail, bsize } = await statfs(dataDir);
  const free = Math.floor((bavail * bsize) / 1_048_576);
  if (free >= neededMebibytes) return;
  throw new EmbeddedPostgresError(
    `the data folder ${displayPath(dataDir)} has ${free} MiB left on its disk, and a new database needs ${neededMebibytes}; free some space, or set AUTH_DATA_DIR to another folder`,
  );
}

/** Runs initdb, which syncs all that it writes. Returns how it ended, or undefined for success. */
async function runInitdb(folder: string, plan: ClusterPlan) {
  const { owner, log, signal, onWaiting } = plan;
  await using programs = await withoutAccount(plan);
  signal?.throwIfAborted();
  const initdb = spawnGuarded({
    command: [programs.initdb, "-D", folder, ...initdbOptions],
    // On SIGTERM, initdb finishes its current step, some hundred milliseconds, and removes what it has written.
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
  // In containers without huge pages, PostgreSQL is killed if it requests them.
  "--set=huge_pages=off",
  "--no-instructions",
];
