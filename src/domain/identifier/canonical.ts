/** A canonical key, or in a sentence for the caller's developer why there is none. */
export type Canonical = { readonly key: string } | { readonly fault: string };

/**
 * How many UTF-16 code units anything may have that is to become an identifier. More than any real identifier has, even
 * fully decomposed; looked at before all else, so that nobody can have a megabyte normalised.
 */
export const maxRawLength = 1024;
