import { chmodSync, closeSync, lstatSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { displayPath } from "./data-folder.ts";
import { EmbeddedPostgresError, FolderInUseError, systemErrorCode } from "./embedded-postgres-error.ts";

/** Exclusive use of a data folder, held until it is released or the process dies in any way. */
export interface FolderLock {
  release(): void;
}

const sqliteBusy = 5;
const briefly = ", for one command";

/** Prevents garbage collection, which would release the lock. */
const held = new Set<DatabaseSync>();

/**
 * Locks a data folder for this process. The kernel holds the lock, so it is never stale; SQLite is only Node's
 * built-in way to fcntl(2). The file `pid` next to it tells people who holds the lock, and whether for a single
 * command.
 *
 * @throws FolderInUseError at once if another process holds the lock
 * @throws EmbeddedPostgresError if this process cannot write to the folder
 */
export function lockFolder(dataDir: string, isBrief = false): FolderLock {
  const database = lockedFile(dataDir);
  const pidFile = join(dataDir, "pid");
  held.add(database);
  try {
    writeFileSync(pidFile, `${process.pid}${isBrief ? briefly : ""}\n`);
  } catch {
    // The file is only informative; the lock holds without it.
  }
  return {
    release() {
      if (!held.delete(database)) return;
      rmSync(pidFile, { force: true });
      database.close();
    },
  };
}

function lockedFile(dataDir: string): DatabaseSync {
  const path = join(dataDir, "lock");
  let database: DatabaseSync | undefined;
  try {
    closeToOthers(path);
    database = new DatabaseSync(path);
    // On a file that we cannot write, "exclusive" would silently mean shared, so a write attempt detects that. The
    // change is never committed, so it needs no journal on disk.
    database.exec("pragma journal_mode = memory; begin exclusive; pragma user_version = 1");
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof Error && "errcode" in error && error.errcode === sqliteBusy) {
      const { who, isBrief } = holder(dataDir);
      throw new FolderInUseError(
        `${displayPath(dataDir)} is in use by another auth${who}; stop it first, or set AUTH_DATA_DIR to another folder`,
        isBrief,
      );
    }
    throw new EmbeddedPostgresError(
      `cannot lock ${displayPath(path)} (${String(error)}); run auth as the owner of its files, or set AUTH_DATA_DIR to another folder`,
      { cause: error },
    );
  }
}

/**
 * Creates the file if it is missing, and closes it to other users: a user who can read a file can hold a read lock on
 * it, which blocks an exclusive one. An existing file is not opened, because closing it would release the lock that
 * this process may hold on it (fcntl(2)).
 */
function closeToOthers(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
  }
  const file = lstatSync(path);
  if (!file.isFile()) throw new Error("not a regular file");
  if ((file.mode & 0o777) !== 0o600) chmodSync(path, 0o600);
}

function holder(dataDir: string): { who: string; isBrief: boolean } {
  try {
    const text = readFileSync(join(dataDir, "pid"), "utf8").trim();
    return { who: ` (process ${text})`, isBrief: text.endsWith(briefly) };
  } catch {
    return { who: "", isBrief: false };
  }
}
