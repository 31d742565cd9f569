import { fstatSync } from "node:fs";
import { open } from "node:fs/promises";
import { addAbortSignal } from "node:stream";
import { getSystemErrorMap } from "node:util";
import { StartError } from "../../../infrastructure/process/start-error.ts";

/** An open file, or standard input. It can be read once. */
export interface InputFile {
  /** Its name, for messages. */
  readonly name: string;
  /** Size in bytes, if it is a regular file. */
  readonly size: number | undefined;
  readonly chunks: AsyncIterable<Buffer>;
  readonly close: () => void;
}

/** Names of standard input. They are not opened by path, because standard input is often a socket, which cannot be. */
const standardInput = new Set(["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]);
const chunkBytes = 256 * 1024;

/** Opens a file; "-" is standard input. */
export async function openInput(path: string, signal: AbortSignal): Promise<InputFile> {
  if (standardInput.has(path)) {
    const { stdin } = process;
    addAbortSignal(signal, stdin);
    return {
      name: "standard input",
      size: sizeOf(fstatSync(0)),
      chunks: stdin,
      close: () => stdin.destroy(),
    };
  }
  const file = await open(path);
  const size = sizeOf(await file.stat());
  const stream = file.createReadStream({ highWaterMark: chunkBytes, signal });
  return { name: path, size, chunks: stream, close: () => stream.destroy() };
}

/** The error for a file that cannot be read. The message does not contain anything from the file. */
export function unreadable(path: string, error: unknown): StartError {
  if (error instanceof StartError) return error;
  const { errno, code } = error as NodeJS.ErrnoException;
  const reason = errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1];
  return new StartError(`${path}: cannot be read: ${reason ?? code ?? "unexpected error"}`);
}

function sizeOf(stats: { isFile(): boolean; readonly size: number }): number | undefined {
  return stats.isFile() ? stats.size : undefined;
}
