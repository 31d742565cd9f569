import { type ByteWindow, maxRowBytes } from "./byte-window.ts";
import type { FileRow } from "./file-row.ts";
import { jsonRow, tooLongRow } from "./json-row.ts";
import { type JsonScan, JsonScanner } from "./json-scanner.ts";
import { skipSpace } from "./json-space.ts";

/**
 * The rows of JSON lines. A value may also span several lines, or share a line with others. A line that is not JSON is
 * a row with a fault; so are the lines of a value that does not end.
 */
export async function* jsonLines(window: ByteWindow): AsyncGenerator<FileRow> {
  for (;;) {
    const indentation = await skipSpace(window);
    if (indentation === undefined) return;
    const { row, length } = await nextRow(window, indentation);
    yield row;
    if (length === undefined) await window.skipLine();
    else window.consume(length);
  }
}

/**
 * The row at position 0, and the number of bytes up to the next row; undefined if the line is too long, so that the
 * next row begins on the next line.
 */
interface Next {
  readonly row: FileRow;
  readonly length: number | undefined;
}

async function nextRow(window: ByteWindow, indentation: number): Promise<Next> {
  const end = await window.lineEnd(0);
  if (end === undefined) return { row: tooLongRow(window.line), length: undefined };
  const line = { row: jsonRow(window, end), length: end + 1 };
  if ("value" in line.row.content || !opensValue(window)) return line;
  const scan = await scanValue(window, undefined);
  if (scan?.found === "fault" && scan.end <= end) return line;
  const length = scan?.found === "closed" ? scan.end : await nextObject(window, indentation);
  const row = jsonRow(window, length);
  if (length > end) return { row, length };
  const behind = window.bytes.toString("utf8", length, end).trimStart();
  return behind.startsWith("{") && "value" in row.content ? { row, length } : line;
}

/** Whether the byte at position 0 opens an array or an object. */
function opensValue({ bytes }: ByteWindow): boolean {
  return bytes[0] === 0x5b || bytes[0] === 0x7b;
}

/**
 * Scans the array or object at position 0 without consuming it. Undefined if the file ends inside it. A value that is
 * too long is a fault.
 */
export async function scanValue(window: ByteWindow, key: Buffer | undefined): Promise<JsonScan | undefined> {
  const scanner = new JsonScanner({ key, until: "value", isStrict: true });
  for (let scanned = 0; scanned <= maxRowBytes; ) {
    const scan = scanner.scan(window.bytes, scanned);
    if (scan !== undefined) return scan;
    scanned = window.bytes.length;
    if (!(await window.load())) return undefined;
  }
  return { found: "fault", end: maxRowBytes, next: maxRowBytes };
}

/**
 * The next line that begins with an object and is indented no more than the unfinished value at position 0. Everything
 * before it belongs to that value.
 */
async function nextObject(window: ByteWindow, indentation: number): Promise<number> {
  for (let from = 0; ; ) {
    const end = await window.lineEnd(from);
    const start = window.bytes.toString("latin1", from, from + indentation + 1);
    if (from > 0 && (end === undefined || /^[ \t]*\{/.test(start))) return from;
    if (end === undefined || end === window.bytes.length) return window.bytes.length;
    from = end + 1;
  }
}
