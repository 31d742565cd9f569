import type { Call } from "../call.ts";

/** Additional facts about a password check. */
export interface PasswordAttempt {
  /**
   * The password as typed, if `preparePassword` changed it: other systems have hashed that form. If the two differ, a
   * check takes two hashes, for every user.
   */
  readonly typed?: string;
  /**
   * The name that the password is checked for. Without a stored hash, the same name always gets a decoy of the same
   * cost.
   */
  readonly name?: string;
}

/**
 * Hashes and verifies passwords. Passwords must be prepared by `preparePassword`. Hashing is slow by design, so
 * implementations bound how many hashes run and wait at once.
 */
export interface PasswordHasher {
  /** @throws OVERLOADED if a hash requested now would be refused, so that no other work is wasted on the request */
  assertCapacity(): void;

  /**
   * Returns a PHC string with a new salt.
   * @throws OVERLOADED if too many hashes wait; for an aborted call, nothing is hashed
   */
  hash(call: Call, password: string): Promise<string>;

  /**
   * Whether the hash was made from this password, by this service or by another system (`PasswordHashes`). Without a
   * hash it does the same work and returns false, so that timing does not reveal whether there was one.
   * @throws OVERLOADED if too many hashes wait; for an aborted call, nothing is hashed
   */
  verify(
    call: Call,
    password: string,
    passwordHash: string | undefined,
    attempt?: PasswordAttempt,
  ): Promise<boolean>;

  /** Whether `hash` would now use another function or other costs. */
  isOutdated(passwordHash: string): boolean;
}
