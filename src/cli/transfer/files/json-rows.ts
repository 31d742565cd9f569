import type { ByteWindow } from "./byte-window.ts";
import type { FileRow } from "./file-row.ts";
import { type JsonLayout, jsonDocuments } from "./json-documents.ts";
import { jsonLines, scanValue } from "./json-lines.ts";
import { jsonRow } from "./json-row.ts";
import { skipSpace } from "./json-space.ts";

/**
 * The rows of a JSON file, without the markers of a report of refused rows.
 * @throws StartError if the rest of the file cannot be read
 */
export async function* jsonRows(window: ByteWindow, layout: JsonLayout): AsyncGenerator<FileRow> {
  await skipSpace(window);
  const isSequence = layout.lines && !(await beginsWithDocument(window, layout));
  const rows = isSequence ? jsonLines(window) : jsonDocuments(window, layout);
  for await (const row of rows) if (!isMarker(row)) yield row;
}

/** Whether the first value is an array, or an object that holds rows. */
async function beginsWithDocument(window: ByteWindow, { key }: JsonLayout): Promise<boolean> {
  const first = String.fromCharCode(window.bytes[0] ?? 0);
  if (first !== "{") return first === "[";
  const scan = await scanValue(window, Buffer.from(`${key}"`));
  if (scan?.found !== "closed") return scan?.found === "rows";
  const { content } = jsonRow(window, scan.end);
  return "value" in content && (content.value as Record<string, unknown>)[key] === null;
}

/** `{"refused": …}` precedes each row of a report, and is not a row. */
function isMarker({ content }: FileRow): boolean {
  if (!("value" in content) || typeof content.value !== "object" || content.value === null) return false;
  const [key, ...others] = Object.keys(content.value);
  return key === "refused" && others.length === 0;
}
