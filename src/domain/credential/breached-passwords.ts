import type { Call } from "../call.ts";

/** The passwords that breaches elsewhere have made known (NIST SP 800-63B-4 §3.1.1.2). Passwords come prepared. */
export interface BreachedPasswords {
  /**
   * Whether a password is one of them.
   * @throws what keeps it from knowing, with a message that holds nothing of the password and of its digest.
   */
  has(call: Call, password: string): Promise<boolean>;
}
