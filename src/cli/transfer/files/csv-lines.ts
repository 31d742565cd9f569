import { type ByteWindow, maxRowBytes } from "./byte-window.ts";
import { CsvRecord } from "./csv-record.ts";
import { type RowText, rowText } from "./row-text.ts";

/** The lines of a record, readable or not. */
export interface CsvLines {
  readonly line: number;
  readonly source: string;
  readonly decodedAs: string | undefined;
  readonly fields: readonly string[];
  /** The positions in `source` of the fields that begin in its first line. */
  readonly starts: readonly number[];
  readonly fault: string | undefined;
}

const neverCloses = "opens a quote that never closes; close it or double the quotes inside the value";

/** Consumes the next record that is not blank; undefined at the end of the file. */
export async function nextCsvLines(window: ByteWindow): Promise<CsvLines | undefined> {
  while (window.bytes.length > 0 || (await window.load())) {
    const lines = await linesOfRecord(window);
    const isBlank = lines.fault === undefined && lines.fields.every((field) => /^[ \t]*$/.test(field));
    if (!isBlank) return lines;
  }
  return undefined;
}

async function linesOfRecord(window: ByteWindow): Promise<CsvLines> {
  const record = new CsvRecord();
  const read: ReadLine[] = [];
  for (let from = 0; ; ) {
    const end = await window.lineEnd(from);
    if (end === undefined && from === 0) return tooLongLine(window);
    if (end === undefined || (from > 0 && from === window.bytes.length)) {
      return take(window, record, upToQuote(read, record), neverCloses);
    }
    const text = rowText(window, from, end);
    read.push({ text, end });
    const progress = record.add(text.text);
    if (progress === "complete") return take(window, record, read, undefined);
    if (progress !== "open") return take(window, record, upToQuote(read, record), progress.fault);
    from = Math.min(end + 1, window.bytes.length);
  }
}

interface ReadLine {
  readonly text: RowText;
  readonly end: number;
}

/** Text after a quote that does not close may be other records, so it is read separately. */
function upToQuote(read: readonly ReadLine[], { quoteLine }: CsvRecord): readonly ReadLine[] {
  return read.slice(0, quoteLine + 1);
}

function take(
  window: ByteWindow,
  { fields, starts, quoteLine }: CsvRecord,
  read: readonly ReadLine[],
  quoteFault: string | undefined,
): CsvLines {
  const unreadable = read.find(({ text }) => text.fault !== undefined)?.text.fault;
  const line = window.line + (quoteFault === undefined ? 0 : quoteLine);
  const text = read.map((each) => each.text.text).join("\n");
  const source = text.endsWith("\r") ? text.slice(0, -1) : text;
  window.consume(read.at(-1)!.end + 1);
  const fault = unreadable?.message ?? quoteFault;
  return { line, source, decodedAs: unreadable?.decodedAs, fields, starts, fault };
}

async function tooLongLine(window: ByteWindow): Promise<CsvLines> {
  const { line } = window;
  await window.skipLine();
  const fault = `is longer than ${maxRowBytes} bytes`;
  return { line, source: "", decodedAs: undefined, fields: [], starts: [], fault };
}
