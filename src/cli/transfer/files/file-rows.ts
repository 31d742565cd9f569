import { ByteWindow } from "./byte-window.ts";
import { csvRows } from "./csv-rows.ts";
import { decompressed } from "./decompressed.ts";
import type { FileRow } from "./file-row.ts";
import { openInput, unreadable } from "./input-file.ts";
import { jsonRows } from "./json-rows.ts";
import type { Layout } from "./layout.ts";
import { utf8Text } from "./utf8-chunks.ts";

export interface FileRowsOptions {
  readonly signal: AbortSignal;
  /** Called with the number of bytes read so far, and the size of the file if it is a regular file. */
  readonly onBytes?: (bytes: number, size: number | undefined) => void;
  /** Called with the header line of CSV, without the columns of a report of refused rows. */
  readonly onHeader?: (text: string) => void;
}

/**
 * The rows of a file, one after another, however large the file is: it is opened and read once, and only a few rows are
 * in memory. A row that cannot be read has a fault, and the others are still read. The file may be gzip, and UTF-8 or,
 * with a byte order mark, UTF-16. "-" is standard input.
 * @throws StartError if the rest of the file cannot be read; the rows before it were yielded
 */
export async function* fileRows(
  path: string,
  layout: Layout,
  { signal, onBytes, onHeader }: FileRowsOptions,
): AsyncGenerator<FileRow> {
  try {
    const { name, size, chunks, close } = await openInput(path, signal);
    try {
      const counted = countBytes(chunks, (bytes) => onBytes?.(bytes, size));
      yield* rowsOf(name, counted, layout, onHeader);
    } finally {
      close();
    }
  } catch (error) {
    signal.throwIfAborted();
    throw unreadable(path, error);
  }
}

/**
 * The rows of an open file, in chunks of any size. `name` is for messages.
 * @throws StartError if the rest of the file cannot be read
 */
export async function* rowsOf(
  name: string,
  chunks: AsyncIterable<Buffer>,
  layout: Layout,
  onHeader?: FileRowsOptions["onHeader"],
): AsyncGenerator<FileRow> {
  const text = await utf8Text(name, decompressed(name, chunks));
  const window = new ByteWindow(name, text);
  if (layout.kind === "csv") yield* csvRows(window, { onHeader });
  else yield* jsonRows(window, layout);
}

async function* countBytes(
  chunks: AsyncIterable<Buffer>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    onBytes(bytes);
    yield chunk;
  }
}
