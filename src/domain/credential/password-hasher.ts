import type { Call } from "../call.ts";

/**
 * Turns passwords into PHC strings and back-checks them. Passwords come as `preparePassword` answers them. Hashing is
 * made to be slow, so its implementation bounds how many run and wait at once.
 */
export interface PasswordHasher {
  /** @throws OVERLOADED where a hash that is asked for now would be refused: then nothing else need be done for it. */
  assertRoom(): void;

  /**
   * A PHC string with a fresh salt.
   * @throws OVERLOADED where too many wait; nothing is hashed for a call that is aborted.
   */
  hash(call: Call, password: string): Promise<string>;

  /**
   * Whether the PHC string was made of this password. Without a PHC string it does the work that one would take and
   * answers false, so that nobody can tell by the time whether there was one.
   * @throws OVERLOADED where too many wait; nothing is hashed for a call that is aborted.
   */
  verify(call: Call, password: string, passwordHash: string | undefined): Promise<boolean>;

  /** Whether `hash` would use another function or other costs than this PHC string has. */
  isOutdated(passwordHash: string): boolean;
}
