/** One row of an import file. */
export interface FileRow {
  /** Its line, 1 for the first of the file. Of a row that spans several lines, the first of them. */
  readonly line: number;
  /** Its text in the file, without the line break. */
  readonly source: string;
  /** Its parsed value, or what makes it unreadable. */
  readonly content: { readonly value: unknown } | { readonly fault: string };
}
