import { columns, escapeControls, grouped, plural } from "../text.ts";
import type { ImportReport, Refusal } from "./import-file.ts";

/** A refused row as it is reported. */
export interface RefusedLine extends Refusal {
  readonly line: number;
}

export interface ImportText {
  readonly report: ImportReport;
  readonly validateOnly: boolean;
  /** The first refused rows. */
  readonly refused: readonly RefusedLine[];
  /** The file that lists all refused rows, if requested. */
  readonly refusedPath: string | undefined;
}

/** The report of an import for people. */
export function importText({ report, validateOnly, refused, refusedPath }: ImportText): string {
  return [
    `${totals(report, validateOnly)}.\n`,
    ...notImported(report),
    ...keptAs(report),
    ...(report.refused === 0 ? [] : [byReason(report), refusedRows(report, refused, refusedPath)]),
  ].join("");
}

function totals(report: ImportReport, validateOnly: boolean): string {
  const facts = [`${plural(report.imported, "user")} ${validateOnly ? "can be imported" : "imported"}`];
  if (report.alreadyImported > 0) facts.push(`${grouped(report.alreadyImported)} imported before`);
  facts.push(`${plural(report.refused, "row")} refused`);
  for (const [kind, count] of Object.entries(report.skipped)) facts.push(`${ofKind(kind, count)} skipped`);
  return facts.join(", ");
}

function notImported({ notImported: kinds }: ImportReport): string[] {
  const facts = Object.entries(kinds).map(([kind, count]) => ofKind(kind, count));
  return facts.length === 0 ? [] : [`Not imported with these users: ${facts.join(", ")}.\n`];
}

function keptAs({ keptAs: attributes }: ImportReport): string[] {
  const facts = Object.entries(attributes).map(([name, count]) => `${name} (${grouped(count)})`);
  return facts.length === 0
    ? []
    : [`Ids and usernames that are not valid here are kept as attributes: ${facts.join(", ")}.\n`];
}

function byReason({ refusedByReason }: ImportReport): string {
  const rows = Object.entries(refusedByReason).sort(([, a], [, b]) => b - a);
  return `\n${columns([["REASON", "ROWS"], ...rows.map(([reason, count]) => [reason, grouped(count)])])}`;
}

function refusedRows(
  { refused: total }: ImportReport,
  refused: readonly RefusedLine[],
  path: string | undefined,
): string {
  const rows = refused.map(({ line, reason, message }) => [String(line), reason, escapeControls(message)]);
  const others = total - refused.length;
  const hint = path === undefined ? "; --refused FILE writes all of them" : "";
  const more = others > 0 ? `… and ${grouped(others)} more${hint}.\n` : "";
  const file = path === undefined ? "" : `All refused rows are in ${path}: repair and import it.\n`;
  return `\n${columns([["LINE", "REASON", "MESSAGE"], ...rows])}${more}${file}`;
}

/** "1 service account", "2 service accounts": kinds are given in the plural. */
function ofKind(kind: string, count: number): string {
  return `${grouped(count)} ${count === 1 ? kind.replace(/ies$/, "y").replace(/s$/, "") : kind}`;
}
