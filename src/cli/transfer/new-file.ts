import { type FileHandle, open } from "node:fs/promises";
import { StartError } from "../../infrastructure/process/start-error.ts";

/** Creates a file that only its owner can read. @throws StartError if it exists or cannot be created */
export async function newFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "wx", 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartError(
      `${path}: ${code === "EEXIST" ? "exists already; choose another name" : `cannot be written: ${code}`}`,
    );
  }
}
