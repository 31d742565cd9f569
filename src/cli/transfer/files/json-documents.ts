import { StartError } from "../../../infrastructure/process/start-error.ts";
import { type ByteWindow, maxRowBytes } from "./byte-window.ts";
import type { FileRow } from "./file-row.ts";
import { jsonRow, tooLongRow } from "./json-row.ts";
import { JsonScanner, type JsonScannerOptions } from "./json-scanner.ts";
import { skipSpace } from "./json-space.ts";
import type { Layout } from "./layout.ts";

export type JsonLayout = Extract<Layout, { kind: "json" }>;

const [openArray, openObject] = [0x5b, 0x7b];

/**
 * The rows of arrays, and of objects that hold an array of rows.
 * @throws StartError if the file is something else, or cut off
 */
export async function* jsonDocuments(window: ByteWindow, layout: JsonLayout): AsyncGenerator<FileRow> {
  while ((await skipSpace(window)) !== undefined) {
    const { line } = window;
    if (window.bytes[0] === openArray) {
      window.consume(1);
      yield* elements(window, layout);
    } else if (window.bytes[0] === openObject) {
      const { row } = yield* element(window, scannerFor(layout, "value"));
      if (row === undefined || isEmptyHolder(row, { key: layout.key })) continue;
      if (!layout.lines)
        throw new StartError(`${window.name}: line ${line}: has no ${JSON.stringify(layout.key)}`);
      yield row;
    } else {
      throw new StartError(`${window.name}: line ${line}: is not JSON of the expected format`);
    }
  }
}

/** The rows of an array whose opening bracket is consumed. With a layout, its elements may hold rows. */
async function* elements(window: ByteWindow, layout: JsonLayout | undefined): AsyncGenerator<FileRow> {
  for (let isLast = false; !isLast; ) {
    await skipSpace(window);
    const found = yield* element(window, scannerFor(layout, "element"));
    isLast = found.isLast;
    if (found.row !== undefined && !isEmptyHolder(found.row, layout)) yield found.row;
  }
}

interface FoundElement {
  /** Undefined if the element is empty or holds rows. */
  readonly row: FileRow | undefined;
  readonly isLast: boolean;
}

/** Consumes a value. Yields the rows that it holds; without any, it may be a row itself. */
async function* element(window: ByteWindow, scanner: JsonScanner): AsyncGenerator<FileRow, FoundElement> {
  const { line } = window;
  let kept: "row" | "too long" | "holder" = "row";
  for (let scanned = 0; ; ) {
    const scan = scanner.scan(window.bytes, scanned);
    if (scan?.found === "rows") {
      window.consume(scan.next);
      yield* elements(window, undefined);
      kept = "holder";
      scanned = 0;
      continue;
    }
    if (scan !== undefined) {
      const row = rowOf(window, line, kept, scan.end);
      window.consume(scan.next);
      return { row, isLast: scan.found === "last" };
    }
    scanned = window.bytes.length;
    if (kept === "row" && scanned > maxRowBytes) kept = "too long";
    if (kept !== "row") {
      window.consume(scanned);
      scanned = 0;
    }
    if (await window.load()) continue;
    const last = rowOf(window, line, kept, scanned);
    if (last !== undefined && "value" in last.content) yield last;
    window.consume(window.bytes.toString("latin1").trimEnd().length);
    throw new StartError(`${window.name}: is cut off at line ${window.line}`);
  }
}

function rowOf(window: ByteWindow, line: number, kept: "row" | "too long" | "holder", end: number) {
  if (kept === "holder") return undefined;
  if (kept === "too long") return tooLongRow(line);
  const row = jsonRow(window, end);
  return row.source === "" && end <= maxRowBytes ? undefined : row;
}

/** Whether an object is not a row, although it does not hold rows either. */
function isEmptyHolder(
  { content }: FileRow,
  layout: Pick<JsonLayout, "key" | "holderKey"> | undefined,
): boolean {
  if (layout === undefined || !("value" in content)) return false;
  const { value } = content;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const { key, holderKey } = layout;
  return (
    (value as Record<string, unknown>)[key] === null ||
    (holderKey !== undefined && Object.hasOwn(value, holderKey))
  );
}

/** A scanner that finds the rows in an object or, without a layout, treats every value as a row. */
function scannerFor(layout: JsonLayout | undefined, until: JsonScannerOptions["until"]): JsonScanner {
  const key = layout === undefined ? undefined : Buffer.from(`${layout.key}"`);
  return new JsonScanner({ key, until, isStrict: false });
}
