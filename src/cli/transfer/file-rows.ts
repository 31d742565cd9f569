import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { JSONParser } from "@streamparser/json";
import { parse as parseCsv } from "csv-parse";
import { StartError } from "../../infrastructure/start-error.ts";
import type { FileRow } from "./file-row.ts";

/** Where the rows of a file are. */
export type Layout =
  | { readonly kind: "csv" }
  /** A JSON array; or, of a file that begins with an object, one value a line. */
  | { readonly kind: "lines" }
  /** A JSON array; or the array under this key of a JSON object. */
  | { readonly kind: "document"; readonly key: string };

export interface FileRowsOptions {
  readonly signal: AbortSignal;
  /** Told how many bytes were read so far. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * The rows of a file, one after another, however large it is: no more of it is in memory than a few rows.
 * @throws StartError where the file cannot be read any further
 */
export async function* fileRows(
  path: string,
  layout: Layout,
  options: FileRowsOptions,
): AsyncGenerator<FileRow> {
  try {
    if (layout.kind === "csv") yield* csvRows(path, options);
    else if ((await firstCharacter(path)) === "[") yield* documentRows(path, "$.*", options);
    else if (layout.kind === "document") yield* documentRows(path, `$.${layout.key}.*`, options);
    else yield* lineRows(path, options);
  } catch (error) {
    options.signal.throwIfAborted();
    throw unreadable(path, error);
  }
}

/** What goes wrong with a file, without anything that is in it. */
export function unreadable(path: string, error: unknown): StartError {
  const { code } = error as NodeJS.ErrnoException;
  const why = code?.startsWith("E") ? code : "it is not of the format that it is said to be";
  return new StartError(`${path} cannot be read: ${why}.`);
}

async function firstCharacter(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0);
    return buffer
      .subarray(0, bytesRead)
      .toString("utf8")
      .replace(/^\uFEFF/, "")
      .trimStart()
      .slice(0, 1);
  } finally {
    await file.close();
  }
}

async function* lineRows(path: string, { signal, onBytes }: FileRowsOptions): AsyncGenerator<FileRow> {
  const input = createReadStream(path, { signal });
  let number = 0;
  for await (const line of linesOf(input)) {
    onBytes(input.bytesRead);
    const text = line.replace(/^\uFEFF/, "").trim();
    number += 1;
    if (text !== "") yield rowOf(number, text);
  }
}

/** The lines of a text, which end at LF only: JSON has other line separators in its strings. */
async function* linesOf(input: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of input) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  yield rest;
}

function rowOf(line: number, source: string): FileRow {
  try {
    return { line, source, content: { value: JSON.parse(source) } };
  } catch {
    return { line, source, content: { fault: "is not valid JSON" } };
  }
}

async function* documentRows(
  path: string,
  rows: string,
  { signal, onBytes }: FileRowsOptions,
): AsyncGenerator<FileRow> {
  const found: FileRow[] = [];
  const parser = new JSONParser({ paths: [rows], keepStack: false });
  parser.onValue = ({ value }) => void found.push(withoutPlace(value));
  const input = createReadStream(path, { signal });
  let isFirst = true;
  for await (const chunk of input as AsyncIterable<Buffer>) {
    parser.write(isFirst ? withoutMark(chunk) : chunk);
    isFirst = false;
    onBytes(input.bytesRead);
    yield* found.splice(0);
  }
  if (!parser.isEnded) parser.end();
}

function withoutMark(chunk: Buffer): Buffer {
  return chunk.subarray(0, 3).equals(Buffer.from("\uFEFF")) ? chunk.subarray(3) : chunk;
}

async function* csvRows(path: string, { signal, onBytes }: FileRowsOptions): AsyncGenerator<FileRow> {
  const input = createReadStream(path, { signal });
  const parser = parseCsv({ columns: true, bom: true, skip_empty_lines: true, max_record_size: 1 << 20 });
  input.on("error", (error) => parser.destroy(error));
  for await (const value of input.pipe(parser) as AsyncIterable<unknown>) {
    onBytes(input.bytesRead);
    yield withoutPlace(value);
  }
}

function withoutPlace(value: unknown): FileRow {
  return { line: 0, source: JSON.stringify(value), content: { value } };
}
