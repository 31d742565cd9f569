/** One row of an import file. */
export interface FileRow {
  /**
   * Its line, starting at 1. For a row of several lines, the first of them; for a quote that never closes, the line
   * where it opens.
   */
  readonly line: number;
  /** Its text in the file, without the line break at its end; empty if it is too long to keep. */
  readonly source: string;
  /** The encoding that `source` was read as, if the bytes in the file are not UTF-8. */
  readonly decodedAs?: string;
  /** Its parsed value, or why it cannot be read. */
  readonly content: { readonly value: unknown } | { readonly fault: string };
}
