import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readPassword, serviceUri } from "./access.ts";
import { systemErrorCode } from "./embedded-postgres-error.ts";

/**
 * The URI of the server that another process runs on a data folder, read from the server's own files; undefined if
 * none accepts connections. Requires read access to PostgreSQL's folder.
 */
export async function findRunningServer(dataDir: string): Promise<string | undefined> {
  const lines = await linesOf(join(dataDir, "postgres", "postmaster.pid"));
  // Lines: process, folder, start, port, socket folder, address, shared memory, state (miscadmin.h of PostgreSQL).
  const [, , , port, folder, , , state] = lines;
  if (state?.trim() !== "ready" || !folder) return undefined;
  const password = await readPassword(dataDir);
  if (password === undefined || !(await exists(join(folder, `.s.PGSQL.${port}`)))) return undefined;
  return serviceUri({ folder, port: Number(port) }, password);
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
