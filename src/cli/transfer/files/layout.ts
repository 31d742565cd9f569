/** The structure of an import file. */
export type Layout =
  /** CSV (RFC 4180) with a header. */
  | { readonly kind: "csv" }
  | {
      /** JSON (RFC 8259): arrays of rows, and objects that hold an array of rows under `key`. */
      readonly kind: "json";
      readonly key: string;
      /** Whether the file may also be a sequence of rows: JSON lines, or values that span several lines. */
      readonly lines: boolean;
      /** An array element with this key holds rows and is not a row, even if it lacks `key`: "realm". */
      readonly holderKey?: string;
    };
