/**
 * A hash as it is stored; or `none` if the text says that its user has no password ("!", "*"); or why it is refused: the
 * predicate of a sentence whose subject is "the hash", without any part of it.
 */
export type PasswordHashVerdict =
  | { readonly stored: string }
  | { readonly none: true }
  | { readonly refusal: string };

/** Password hashes that other systems have made and users bring along. Which formats are known: docs/decisions/0017. */
export interface PasswordHashes {
  /**
   * Whether passwords can be checked by this hash, and at a cost that no row may exceed. Nothing is computed. What is stored
   * is `verify`'s and `isOutdated`'s to understand (`PasswordHasher`), until the next good sign-in replaces it.
   */
  accept(text: string): Promise<PasswordHashVerdict>;
}
