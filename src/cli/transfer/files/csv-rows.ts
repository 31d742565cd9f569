import type { ByteWindow } from "./byte-window.ts";
import { readCsvHeader } from "./csv-header.ts";
import { type CsvLines, nextCsvLines } from "./csv-lines.ts";
import type { FileRow } from "./file-row.ts";

export interface CsvOptions {
  /** Called with the header, without the columns of a report. */
  readonly onHeader?: ((text: string) => void) | undefined;
}

/**
 * The rows of CSV with a header. Each value is an object of strings by column.
 * @throws StartError if the header is not valid or the rest of the file cannot be read
 */
export async function* csvRows(window: ByteWindow, { onHeader }: CsvOptions): AsyncGenerator<FileRow> {
  const header = await readCsvHeader(window);
  if (header === undefined) return;
  onHeader?.(header.text);
  const { names, reportColumns } = header;
  for (;;) {
    const lines = await nextCsvLines(window);
    if (lines === undefined) return;
    const source = lines.source.slice(lines.starts[reportColumns] ?? 0);
    const decoded = lines.decodedAs === undefined ? {} : { decodedAs: lines.decodedAs };
    yield { line: lines.line, source, ...decoded, content: contentOf(lines, names) };
  }
}

function contentOf({ fields, fault }: CsvLines, names: readonly (string | undefined)[]): FileRow["content"] {
  if (fault !== undefined) return { fault };
  if (fields.length !== names.length) {
    const count = `has ${fields.length} ${fields.length === 1 ? "field" : "fields"}, the header has ${names.length}`;
    return { fault: fields.length > names.length ? `${count}; quote values that contain commas` : count };
  }
  const entries = fields.flatMap((field, n) => (names[n] === undefined ? [] : [[names[n], field] as const]));
  // Unlike an assignment, this treats a column `__proto__` like any other.
  return { value: Object.fromEntries(entries) };
}
