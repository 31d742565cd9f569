import { constants } from "node:fs";
import { access, mkdir, open, realpath } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { EmbeddedPostgresError, systemErrorCode } from "./embedded-postgres-error.ts";

/**
 * Creates the data folder where it is missing and answers its absolute path, free of symbolic links.
 *
 * @throws EmbeddedPostgresError when it cannot be created or this process may not write there.
 */
export async function prepareDataFolder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o755 });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return await realpath(path);
  } catch (error) {
    const user = process.geteuid?.();
    throw new EmbeddedPostgresError(
      `The data folder ${displayPath(path)} cannot be used by this process, which runs as uid ${user} (${systemErrorCode(error)}). Run auth as the folder's owner, or set AUTH_DATA_DIR to another folder.`,
      { cause: error },
    );
  }
}

/** A path as its reader would type it: ./data below the working directory, else absolute. */
export function displayPath(path: string): string {
  const below = relative(process.cwd(), resolve(path));
  return below === "" || below.startsWith("..") ? resolve(path) : `./${below}`;
}

/** Makes the names in a folder, and the folder's own name, survive a power failure. */
export async function syncNames(folder: string): Promise<void> {
  for (const path of [folder, join(folder, "..")]) {
    const handle = await open(path, "r").catch((error: unknown) => {
      // The parent may be somebody else's.
      if (systemErrorCode(error) === "EACCES") return undefined;
      throw error;
    });
    await handle?.sync();
    await handle?.close();
  }
}
