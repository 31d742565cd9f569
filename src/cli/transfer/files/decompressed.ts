import { once } from "node:events";
import { createGunzip } from "node:zlib";
import { StartError } from "../../../infrastructure/process/start-error.ts";
import { withHead } from "./chunk-head.ts";

/** Input bytes per step: a chunk expands at most about a thousandfold. */
const inputBytes = 16 * 1024;

/**
 * The bytes of a file, decompressed if the content is gzip (RFC 1952), whatever the file's name. Bytes before damage
 * are yielded, except for up to the last 16 KiB, which zlib does not release.
 * @throws StartError if it is gzip and damaged
 */
export async function* decompressed(name: string, file: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { head, chunks } = await withHead(file, 2);
  if (head[0] === 0x1f && head[1] === 0x8b) yield* gunzip(name, chunks);
  else yield* chunks;
}

async function* gunzip(name: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const stream = createGunzip();
  // A failing stream drops its unread data, so the data is collected here.
  const output: Buffer[] = [];
  stream.on("data", (bytes: Buffer) => output.push(bytes));
  const ended = once(stream, "end");
  const failed = new Promise<never>((_, reject) => stream.on("error", reject));
  for (const promise of [ended, failed]) promise.catch(() => {});
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += inputBytes) {
        const input = chunk.subarray(at, at + inputBytes);
        const written = new Promise<void>((resolve) => stream.write(input, () => resolve()));
        await Promise.race([written, failed]);
        yield* output.splice(0);
      }
    }
    stream.end();
    await Promise.race([ended, failed]);
    yield* output.splice(0);
  } catch (error) {
    yield* output.splice(0);
    throw damaged(name, error);
  } finally {
    stream.destroy();
  }
}

function damaged(name: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "Z_BUF_ERROR") return new StartError(`${name}: the gzip file is cut off; copy it again`);
  if (code?.startsWith("Z_")) return new StartError(`${name}: the gzip file is damaged; copy it again`);
  return error;
}
