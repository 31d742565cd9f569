import { statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { systemErrorCode } from "./embedded-postgres-error.ts";

/** The uid and gid of a process. */
export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** Neither the owner nor in the group of any file. */
const stranger: UserIds = { uid: -1, gid: -1 };

/**
 * The first of a folder and those above it, from the root, that a user cannot enter by its mode. What does not exist yet
 * can be entered.
 */
export function closedFolder(path: string, user: UserIds = stranger): string | undefined {
  const above = dirname(path);
  const closed = above === path ? undefined : closedFolder(above, user);
  if (closed !== undefined) return closed;
  const found = statOf(path);
  if (found === undefined) return undefined;
  const bit = found.uid === user.uid ? 0o100 : found.gid === user.gid ? 0o010 : 0o001;
  return (found.mode & bit) === 0 ? path : undefined;
}

/** Where root keeps data instead of in a folder that PostgreSQL's user cannot enter. */
const openRoot = "/var/lib/auth";

/**
 * Where the embedded PostgreSQL keeps its data if no setting says otherwise: `./data`, or below /var/lib/auth if we are
 * root and the working directory is closed to others, because PostgreSQL refuses to run as root. Data that already are
 * in `./data` stay the answer, so that no start silently begins with an empty database.
 */
export function defaultDataDir(cwd = process.cwd()): string {
  const usual = "./data";
  const path = resolve(cwd, usual);
  if (process.geteuid?.() !== 0 || closedFolder(path) === undefined) return usual;
  return statOf(join(path, "postgres")) === undefined ? openPathFor(path) : usual;
}

/** The path in {@link openRoot} that stands for one in a closed folder: /root/auth/data is /var/lib/auth/root/auth/data. */
export function openPathFor(path: string): string {
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
