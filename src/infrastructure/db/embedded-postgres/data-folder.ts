import { constants } from "node:fs";
import { access, open, realpath, stat } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { makeFolder } from "../../files/make-folder.ts";
import { EmbeddedPostgresError, systemErrorCode } from "./embedded-postgres-error.ts";

/**
 * Creates the data folder if it is missing and returns its absolute path, with symbolic links resolved. If this
 * process is root, PostgreSQL's user may enter a new folder but not list it.
 *
 * @throws EmbeddedPostgresError if the folder cannot be created, this process cannot write to it, or other users can
 */
export async function prepareDataFolder(path: string): Promise<string> {
  const uid = process.geteuid?.();
  try {
    await makeFolder(path, uid === 0 ? 0o711 : 0o700);
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new EmbeddedPostgresError(
      `the data folder ${displayPath(path)} cannot be created or used by this process, which runs as uid ${uid} (${systemErrorCode(error)}); run auth as the folder's owner, or set AUTH_DATA_DIR to another folder`,
      { cause: error },
    );
  }
  const folder = await realpath(path);
  await refuseSharedFolder(folder, uid);
  return folder;
}

/** A user with write access could put a link in place of a file that this process writes. */
async function refuseSharedFolder(folder: string, uid: number | undefined): Promise<void> {
  const { mode, uid: owner } = await stat(folder);
  if (owner !== 0 && owner !== uid) {
    throw new EmbeddedPostgresError(
      `the data folder ${displayPath(folder)} belongs to uid ${owner}, but this process runs as uid ${uid}; run auth as uid ${owner}, or set AUTH_DATA_DIR to another folder`,
    );
  }
  if ((mode & 0o002) !== 0) {
    throw new EmbeddedPostgresError(
      `the data folder ${displayPath(folder)} is writable by every user (mode ${(mode & 0o7777).toString(8).padStart(4, "0")}); set AUTH_DATA_DIR to a folder of its own, such as ${join(displayPath(folder), "auth-data")}`,
    );
  }
}

/** A path as a user would type it: ./data below the working directory, otherwise absolute. */
export function displayPath(path: string): string {
  const below = relative(process.cwd(), resolve(path));
  return below === "" || below.startsWith("..") ? resolve(path) : `./${below}`;
}

/** Syncs a folder and its parent, so that the names in the folder, and its own name, survive a power failure. */
export async function syncNames(folder: string): Promise<void> {
  for (const path of [folder, join(folder, "..")]) {
    const handle = await open(path, "r").catch((error: unknown) => {
      // The parent may belong to another user.
      if (systemErrorCode(error) === "EACCES") return undefined;
      throw error;
    });
    await handle?.sync();
    await handle?.close();
  }
}
