import type { Call } from "../call.ts";

/** What is known of a password beside itself, when it is checked. */
export interface PasswordAttempt {
  /**
   * The password as it was typed, where `preparePassword` has changed it: other systems have hashed that. Where it differs,
   * a check takes two hashes, whoever's it is.
   */
  readonly typed?: string;
  /** Whose password it would be. Where there is no hash, the same name is stood in for by the same costs. */
  readonly name?: string;
}

/**
 * Turns passwords into hashes and back-checks them. Passwords come as `preparePassword` answers them. Hashing is
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
   * Whether the hash was made of this password, by this service or by another system (`PasswordHashes`). Without a hash it
   * does the work that one would take and answers false, so that nobody can tell by the time whether there was one.
   * @throws OVERLOADED where too many wait; nothing is hashed for a call that is aborted.
   */
  verify(
    call: Call,
    password: string,
    passwordHash: string | undefined,
    attempt?: PasswordAttempt,
  ): Promise<boolean>;

  /** Whether `hash` would use another function or other costs than this hash has. */
  isOutdated(passwordHash: string): boolean;
}
