import { chmod, mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/**
 * Creates a folder and its missing parents. Node's own recursive mkdir never ends if the kernel answers ENOENT for a
 * folder whose parent exists, as in /proc.
 *
 * @param mode of the created folders, regardless of the umask
 * @throws a system error: ENOTDIR if the path, or a part of it, is not a folder
 */
export async function makeFolder(path: string, mode: number): Promise<void> {
  if (await isFolder(path)) return;
  const parent = dirname(resolve(path));
  if (parent !== resolve(path)) await makeFolder(parent, mode);
  try {
    await mkdir(path, { mode });
    await chmod(path, mode);
  } catch (error) {
    // Another process may have created it first.
    if (codeOf(error) !== "EEXIST" || !(await isFolder(path))) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
  throw Object.assign(new Error(`ENOTDIR: not a directory, '${path}'`), { code: "ENOTDIR" });
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code;
}
