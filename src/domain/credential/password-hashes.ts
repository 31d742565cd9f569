/**
 * The hash to store; or `none` if the text states that the user has no password ("!", "*"); or why the hash is refused:
 * the predicate of a sentence whose subject is "the hash", containing no part of it.
 */
export type PasswordHashVerdict =
  | { readonly stored: string }
  | { readonly none: true }
  | { readonly refusal: string };

/** Password hashes made by other systems, for imported users. Supported formats: docs/decisions/0017. */
export interface PasswordHashes {
  /**
   * Whether passwords can be checked against this hash at a cost within the limit for a row. Nothing is computed.
   * `PasswordHasher.verify` and `isOutdated` understand the stored form, until the next successful sign-in replaces it.
   */
  accept(text: string): Promise<PasswordHashVerdict>;
}
