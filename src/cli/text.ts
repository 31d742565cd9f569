/** Formats rows as aligned columns, separated by two spaces, one line per row. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, width(cell));
  }
  return rows.map((row) => `${alignedTo(widths, row).trimEnd()}\n`).join("");
}

function alignedTo(widths: readonly number[], row: readonly string[]): string {
  return row.map((cell, index) => cell + " ".repeat((widths[index] ?? 0) - width(cell))).join("  ");
}

/** The number of visible characters, without colour codes. */
function width(cell: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is how a colour begins
  return [...cell.replaceAll(/\x1b\[\d+m/g, "")].length;
}

/**
 * User input, made safe for a terminal: control, invisible and direction-changing characters are escaped, so that a
 * display name cannot move an operator's cursor.
 */
export function escapeControls(raw: string): string {
  return raw.replaceAll(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

/** Formats a time in UTC as RFC 3339, for people and scripts alike. Undefined becomes a dash. */
export function formatTime(time: Date | undefined): string {
  return time === undefined ? "-" : time.toISOString().replace(".000Z", "Z");
}

/** "1 key", "2 keys", "3,500 users". */
export function plural(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A whole number with thousands separators: "3,500". */
export function grouped(count: number): string {
  return count.toLocaleString("en-US");
}
