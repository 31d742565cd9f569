import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode } from "./embedded-postgres-error.ts";
import { databaseUri } from "./server.ts";

/**
 * The database of the server that another process runs on a data folder, by what the server has written down there;
 * undefined where none takes connections yet, or any more. Only who may read PostgreSQL's own folder can find out.
 */
export async function findRunningServer(dataDir: string): Promise<string | undefined> {
  const lines = await linesOf(join(dataDir, "postgres", "postmaster.pid"));
  // Process, folder, start, port, socket folder, address, shared memory, state: miscadmin.h of PostgreSQL.
  const [, , , port, socketFolder, , , state] = lines;
  if (state?.trim() !== "ready" || !socketFolder) return undefined;
  return (await exists(join(socketFolder, `.s.PGSQL.${port}`)))
    ? databaseUri(socketFolder, "auth")
    : undefined;
}

async function linesOf(path: string): Promise<string[]> {
  try {
    return (await readFile(path, "utf8")).split("\n");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
