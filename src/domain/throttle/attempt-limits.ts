/**
 * How often somebody may be wrong (NIST SP 800-63B-4 §3.2.2).
 *
 * An account: so many failures in a row are free; from then on each attempt closes the account for a while, twice as long
 * each time up to the longest. At the cap it stays closed until UnlockUser or a new password. A success forgets the failures,
 * and time alone does not.
 *
 * A known device, and ChangePassword within a session: the same, apart from the account, with a lower cap.
 *
 * A network: so many failures in a window, of whatever accounts.
 */
export interface AttemptLimits {
  /** Failures after which an account is closed. */
  readonly free: number;
  /** How long each further attempt closes it, in milliseconds; the last one is for all that follow. */
  readonly locksMs: readonly number[];
  /** Failures in a row after which it stays closed. */
  readonly cap: number;
  /** The same for a known device, and for ChangePassword within a session. */
  readonly capOfKnown: number;
  /** Failures of a network in a window of so many milliseconds. */
  readonly ofNetwork: number;
  readonly windowMs: number;
}

const minute = 60_000;

const cap = 100;

/** @param free at most 99 */
export function attemptLimits(free: number, ofNetwork: number): AttemptLimits {
  const locksMs = [0.5, 1, 2, 4, 8, 15].map((minutes) => minutes * minute);
  return { free, locksMs, cap, capOfKnown: Math.min(free + 10, cap), ofNetwork, windowMs: 15 * minute };
}
