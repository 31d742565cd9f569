import { execFile } from "node:child_process";
import { chmod, cp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Binaries, programsIn } from "./binaries.ts";
import { accessiblePathFor, closedFolder } from "./closed-folder.ts";
import { displayPath } from "./data-folder.ts";
import { EmbeddedPostgresError, systemErrorCode } from "./embedded-postgres-error.ts";
import type { ProcessOwner } from "./process-owner.ts";
import type { TemporaryFolders } from "./temporary-folders.ts";

export interface ReachablePlan {
  readonly dataDir: string;
  readonly binaries: Binaries;
  readonly owner: ProcessOwner;
  readonly folders: TemporaryFolders;
  readonly logger: (line: string) => void;
}

/**
 * Returns programs that PostgreSQL's user can run: as npm installed them, or copied to the data folder if they are in
 * a folder that is closed to that user, such as a checkout in /root.
 *
 * @throws EmbeddedPostgresError if the user cannot enter the data folder, or cannot run programs there
 */
export async function reachablePrograms(plan: ReachablePlan): Promise<Binaries> {
  const { dataDir, binaries, owner, logger } = plan;
  if (owner.user.uid === process.geteuid?.()) return binaries;
  if ((await tryToRun(binaries, plan)) === undefined) return binaries;
  logger(
    `PostgreSQL runs as uid ${owner.user.uid} and cannot enter ${binaries.folder}: using a copy of its programs in ${displayPath(dataDir)}`,
  );
  const copy = await copyPrograms(plan);
  const refusal = await tryToRun(copy, plan);
  if (refusal === undefined) return copy;
  throw new EmbeddedPostgresError(
    `the embedded PostgreSQL refuses to run as root, and cannot run as uid ${owner.user.uid} in ${displayPath(dataDir)}: ${refusal}; run auth as a user other than root, set AUTH_DATA_DIR to another folder, or set DATABASE_URL`,
  );
}

const exitIfClosed = 3;

/**
 * Tests access as that user, because permissions have more ways to refuse than code can predict. Returns what went
 * wrong. It only looks at the program: running it takes ten times as long.
 */
async function tryToRun(
  { postgres }: Binaries,
  { dataDir, owner }: ReachablePlan,
): Promise<string | undefined> {
  const script = `cd "$1" || exit ${exitIfClosed}; test -r "$2" && test -x "$2"`;
  const args = ["-c", script, "sh", dataDir, postgres];
  try {
    await promisify(execFile)("/bin/sh", args, { ...owner.identity, cwd: "/", env: {} });
    return undefined;
  } catch (error) {
    const { code, message } = error as Error & { code?: unknown };
    if (code === exitIfClosed) throw closedDataFolder(dataDir, owner);
    return typeof code === "number" ? `that user cannot read or run ${postgres}` : message;
  }
}

function closedDataFolder(dataDir: string, { user }: ProcessOwner): EmbeddedPostgresError {
  const closed = closedFolder(dataDir, user) ?? dataDir;
  const remedy =
    closed === dataDir
      ? `run chmod o+x ${displayPath(dataDir)}`
      : `move the data to a folder that others may enter, such as ${accessiblePathFor(dataDir)}, and set AUTH_DATA_DIR to it`;
  return new EmbeddedPostgresError(
    `the embedded PostgreSQL runs as uid ${user.uid}, because it refuses to run as root, and that user cannot enter ${closed}; ${remedy}, run auth as a user other than root, or set DATABASE_URL`,
  );
}

const prefix = "programs-";

/** Copies the programs into the data folder unless they are there, and removes copies of other versions. */
async function copyPrograms({ dataDir, binaries, folders }: ReachablePlan): Promise<Binaries> {
  const name = prefix + binaries.version;
  const target = join(dataDir, name);
  for (const other of await readdir(dataDir)) {
    if (other.startsWith(prefix) && other !== name) await rm(join(dataDir, other), { recursive: true });
  }
  if (!(await exists(target))) {
    const draft = await folders.create(dataDir, {
      uid: process.geteuid?.() ?? 0,
      gid: process.getegid?.() ?? 0,
    });
    await cp(binaries.folder, join(draft, name), { recursive: true, verbatimSymlinks: true });
    await openToAll(join(draft, name));
    await rename(join(draft, name), target);
    await folders.remove(draft);
  }
  return programsIn(target, binaries.version);
}

/** Makes everything below a folder readable by all users, and writable only by its owner. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile()) await chmod(path, ((await stat(path)).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}
