import { reportColumnNames } from "./csv-header.ts";
import type { FileRow } from "./file-row.ts";
import type { Layout } from "./layout.ts";

/** Why a row was refused. */
export interface Refusal {
  readonly row: Pick<FileRow, "line" | "source" | "decodedAs">;
  readonly reason: string;
  readonly message: string;
}

/** The parts of a report of refused rows, as text: a file in the input's format, to be repaired and imported. */
export interface RefusedRows {
  readonly start: string;
  readonly refused: (refusal: Refusal) => string;
  readonly end: string;
}

/**
 * How to write a report. In CSV, columns before each row state line, reason and message; in JSON, an object
 * `{"refused": …}` does. Both are ignored when a report is read.
 * @param csvHeader the text of the header with which the rows were read
 */
export function refusedRows(layout: Layout, csvHeader = ""): RefusedRows {
  if (layout.kind === "csv") {
    return {
      start: csvHeader === "" ? "" : `${reportColumnNames.join(",")},${csvHeader}\n`,
      refused: (refusal) => `${fieldsOf(refusal).map(quoted).join(",")},${refusal.row.source}\n`,
      end: "",
    };
  }
  const marker = (refused: unknown) => JSON.stringify({ refused });
  const parts = ({ row, ...why }: Refusal) => {
    const [line, reason, message] = fieldsOf({ row, ...why });
    return [marker({ line, reason, message }), ...(row.source === "" ? [] : [row.source])];
  };
  if (layout.lines) {
    return {
      start: "",
      refused: (refusal) =>
        parts(refusal)
          .map((part) => `${part}\n`)
          .join(""),
      end: "",
    };
  }
  return {
    start: `[\n${marker("rows that were refused, each behind its reason")}`,
    refused: (refusal) =>
      parts(refusal)
        .map((part) => `,\n${part}`)
        .join(""),
    end: "\n]\n",
  };
}

function fieldsOf({
  row,
  reason,
  message,
}: Refusal): readonly [line: number, reason: string, message: string] {
  const note = row.decodedAs === undefined ? "" : `; written here as read from ${row.decodedAs}: check it`;
  return [row.line, reason, `${message}${note}`];
}

/** One line: a report contains line breaks only from the rows themselves. */
function quoted(value: number | string): string {
  return typeof value === "number"
    ? `${value}`
    : `"${value.replaceAll('"', '""').replaceAll(/[\r\n]+/g, " ")}"`;
}
