import type { FileRow } from "../../../src/cli/transfer/files/file-row.ts";
import { rowsOf } from "../../../src/cli/transfer/files/file-rows.ts";
import type { Layout } from "../../../src/cli/transfer/files/layout.ts";

export const csv: Layout = { kind: "csv" };
/** JSON lines, or documents. */
export const lines: Layout = { kind: "json", key: "users", lines: true };
/** Documents only. */
export const documents: Layout = { kind: "json", key: "users", lines: false, holderKey: "realm" };

export interface ReadFile {
  readonly rows: readonly FileRow[];
  readonly header: string | undefined;
  /** The message of the error that ended the file early. */
  readonly error: string | undefined;
}

/** Reads a file in chunks of a size. */
export async function readRows(file: string | Buffer, layout: Layout, chunkBytes = 7): Promise<ReadFile> {
  const rows: FileRow[] = [];
  let header: string | undefined;
  let error: string | undefined;
  const onHeader = (text: string) => {
    header = text;
  };
  try {
    const chunks = inChunks(Buffer.from(file), chunkBytes);
    for await (const row of rowsOf("users", chunks, layout, onHeader)) rows.push(row);
  } catch (thrown) {
    if (!(thrown instanceof Error) || thrown.name !== "StartError") throw thrown;
    error = thrown.message;
  }
  return { rows, header, error };
}

/** Each row as its line and its value or fault. */
export async function readContents(
  file: string | Buffer,
  layout: Layout,
  chunkBytes?: number,
): Promise<readonly (readonly [line: number, content: unknown])[]> {
  const { rows, error } = await readRows(file, layout, chunkBytes);
  if (error !== undefined) throw new Error(error);
  return rows.map(({ line, content }) => [line, "value" in content ? content.value : content.fault]);
}

async function* inChunks(file: Buffer, bytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < file.length; at += bytes) yield file.subarray(at, at + bytes);
}
