/** A canonical key, or why there is none, as a sentence for the caller's developer. */
export type Canonical = { readonly key: string } | { readonly fault: string };

/**
 * Maximum number of UTF-16 code units of an identifier. More than any real identifier has, even fully decomposed.
 * Checked first, so that callers cannot have a megabyte normalised.
 */
export const maxRawLength = 1024;
