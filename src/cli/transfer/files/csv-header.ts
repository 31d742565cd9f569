import { StartError } from "../../../infrastructure/process/start-error.ts";
import type { ByteWindow } from "./byte-window.ts";
import { type CsvLines, nextCsvLines } from "./csv-lines.ts";

/** The columns that a report of refused rows adds before the columns of the file. They are not data. */
export const reportColumnNames: readonly string[] = ["refused_line", "refused_reason", "refused_message"];

export interface CsvHeader {
  /** Undefined for a column that is not data. */
  readonly names: readonly (string | undefined)[];
  /** The number of report columns at the beginning. */
  readonly reportColumns: number;
  /** The text of the header without the report columns. */
  readonly text: string;
}

/**
 * Reads the header; undefined if the file has no lines.
 * @throws StartError if it is not the header of an import file
 */
export async function readCsvHeader(window: ByteWindow): Promise<CsvHeader | undefined> {
  const lines = await nextCsvLines(window);
  if (lines === undefined) return undefined;
  const { fields, fault } = lines;
  const refuse = (what: string) => new StartError(`${window.name}: line ${lines.line}: header ${what}`);
  if (fault !== undefined) throw refuse(fault.startsWith("not ") ? `is ${fault}` : fault);
  const names = fields.map((name) => name.trim());
  const problem = problemOf(lines, names);
  if (problem !== undefined) throw refuse(problem);
  const isReport = (name: string) => reportColumnNames.includes(name);
  const other = names.findIndex((name) => !isReport(name));
  const reportColumns = other === -1 ? names.length : other;
  return {
    names: names.map((name) => (isReport(name) ? undefined : name)),
    reportColumns,
    text: lines.source.slice(lines.starts[reportColumns] ?? lines.source.length),
  };
}

function problemOf({ source }: CsvLines, names: readonly string[]): string | undefined {
  const separator = [...";\t"].find((each) => source.includes(each));
  if (names.length === 1 && separator !== undefined) {
    const what = separator === ";" ? "semicolons" : "tabs";
    return `has ${what} between its columns; separate the columns of the file by commas`;
  }
  if (source.includes("\r")) return "has carriage returns; end lines with line feeds";
  const empty = names.indexOf("");
  if (empty !== -1) return `has no name for column ${empty + 1}; name it or remove the column`;
  const second = names.findIndex((name, n) => names.indexOf(name) < n);
  if (second === -1) return undefined;
  const name = JSON.stringify(names[second]?.slice(0, 100));
  return `names columns ${names.indexOf(names[second]!) + 1} and ${second + 1} both ${name}; rename or remove one`;
}
