import { statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { systemErrorCode } from "./embedded-postgres-error.ts";

/** The uid and gid of a process. */
export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** A user that neither owns any file nor is in a file's group. */
const unrelatedUser: UserIds = { uid: -1, gid: -1 };

/**
 * The first folder on a path, starting at the root, that a user may not enter according to its mode; undefined if
 * there is none. Folders that do not exist yet count as open.
 */
export function closedFolder(path: string, user: UserIds = unrelatedUser): string | undefined {
  const above = dirname(path);
  const closed = above === path ? undefined : closedFolder(above, user);
  if (closed !== undefined) return closed;
  const found = statOf(path);
  if (found === undefined) return undefined;
  const bit = found.uid === user.uid ? 0o100 : found.gid === user.gid ? 0o010 : 0o001;
  return (found.mode & bit) === 0 ? path : undefined;
}

/** Where root keeps data that would otherwise be in a folder closed to PostgreSQL's user. */
const openRoot = "/var/lib/auth";

/**
 * Default data folder of the embedded PostgreSQL: `./data`, or a folder below /var/lib/auth if this process is root
 * and the working directory is closed to others, because PostgreSQL refuses to run as root. If `./data` already
 * contains data, it remains the default, so that no start silently begins with an empty database.
 */
export function defaultDataDir(cwd = process.cwd()): string {
  const usual = "./data";
  const path = resolve(cwd, usual);
  if (process.geteuid?.() !== 0 || closedFolder(path) === undefined) return usual;
  return statOf(join(path, "postgres")) === undefined ? accessiblePathFor(path) : usual;
}

/**
 * The path below {@link openRoot} that replaces one in a closed folder: /root/auth/data becomes
 * /var/lib/auth/root/auth/data.
 */
export function accessiblePathFor(path: string): string {
  return join(openRoot, resolve(path));
}

function statOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "EACCES" || code === "ENOTDIR" || code === "ELOOP" || code === "ENAMETOOLONG")
      return undefined;
    throw error;
  }
}
