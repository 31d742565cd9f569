/** One row of an import file. */
export interface FileRow {
  /**
   * Its line, 1 for the first of the file. Of a row that spans several lines, the first of them; of a quote that never closes,
   * the line where it opens.
   */
  readonly line: number;
  /** Its text in the file, without the line break at its end; empty if it is too long to keep. */
  readonly source: string;
  /** The encoding that `source` was read as, if the bytes in the file are not UTF-8. */
  readonly decodedAs?: string;
  /** Its parsed value, or what makes it unreadable. */
  readonly content: { readonly value: unknown } | { readonly fault: string };
}
