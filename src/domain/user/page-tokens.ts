import type { UserCursor } from "../../interfaces/relationaldb/user-repository.ts";

/**
 * Makes a place in a list into the opaque token that a caller gets, and back (AIP-158). A token is bound to the scope it
 * was made for; nobody can make, read or change one.
 */
export interface PageTokens {
  seal(cursor: UserCursor, scope: string): string;
  /** The place, or undefined where the token is not one of ours for this scope. */
  open(token: string, scope: string): UserCursor | undefined;
}
