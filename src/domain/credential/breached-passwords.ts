import type { Call } from "../call.ts";

/** Passwords known from data breaches (NIST SP 800-63B-4 §3.1.1.2). Takes prepared passwords. */
export interface BreachedPasswords {
  /**
   * Whether a password is known from a breach.
   * @throws if the check fails; the message contains nothing of the password or its digest
   */
  has(call: Call, password: string): Promise<boolean>;
}
