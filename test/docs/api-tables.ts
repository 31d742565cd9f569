import type { Page } from "./markdown.ts";

/** The cells of the rows of the tables below a heading, without the header of each. */
export function tableRows(page: Page, heading: string): string[][] {
  const start = page.prose.findIndex(({ text }) => text.replace(/^#+ /, "") === heading && text !== heading);
  const rest = page.prose.slice(start + 1);
  const end = rest.findIndex(({ text }) => /^#{1,2} /.test(text));
  const lines = rest.slice(0, end < 0 ? rest.length : end).map(({ text }) => text);
  return lines
    .filter((line, index) => line.startsWith("| ") && !isRule(line) && !isRule(lines[index + 1] ?? ""))
    .map((line) =>
      line
        .slice(2, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
}

/** What is in only one of two lists, or more often in the first. */
export function differences(documented: readonly string[], actual: readonly string[]): string[] {
  const counts = Map.groupBy(documented, (name) => name);
  return [
    ...actual.filter((name) => !counts.has(name)).map((name) => `missing: ${name}`),
    ...documented.filter((name) => !actual.includes(name)).map((name) => `unknown: ${name}`),
    ...counts
      .entries()
      .filter(([, names]) => names.length > 1)
      .map(([name]) => `repeated: ${name}`),
  ];
}

function isRule(line: string): boolean {
  return line.startsWith("| ---");
}
