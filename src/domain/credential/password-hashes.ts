/** A hash as it is to be stored, or why it is not taken: a sentence that goes on after "the hash" and holds nothing of it. */
export type PasswordHashVerdict = { readonly stored: string } | { readonly refusal: string };

/** Password hashes that other systems have made and users bring along. Which formats are known: docs/decisions/0017. */
export interface PasswordHashes {
  /**
   * Whether passwords can be checked by this hash, and at a cost that no row may exceed. Nothing is computed. What is stored
   * is `verify`'s and `isOutdated`'s to understand (`PasswordHasher`), until the next good sign-in replaces it.
   */
  accept(text: string): Promise<PasswordHashVerdict>;
}
