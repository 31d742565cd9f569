/**
 * Limits on failed authentication (NIST SP 800-63B-4 §3.2.2).
 *
 * Per account: a number of consecutive failures is free. After that, each attempt locks the account, doubling the time
 * up to a maximum. At the cap it stays locked until UnlockUser or a new password. A success clears the failures; time
 * alone does not.
 *
 * Per known device, and for ChangePassword within a session: the same, counted separately from the account, with a
 * lower cap.
 *
 * Per network: a number of failures within a window, for any accounts.
 */
export interface AttemptLimits {
  /** Failures after which an account is locked. */
  readonly free: number;
  /** How long each further attempt locks the account, in milliseconds. The last value applies to all later attempts. */
  readonly locksMs: readonly number[];
  /** Consecutive failures after which the account stays locked. */
  readonly cap: number;
  /** The cap for a known device, and for ChangePassword within a session. */
  readonly knownDeviceCap: number;
  /** Failures of a network within a window of `windowMs` milliseconds. */
  readonly networkLimit: number;
  readonly windowMs: number;
}

const minute = 60_000;

const cap = 100;

/** @param free at most 99 */
export function attemptLimits(free: number, networkLimit: number): AttemptLimits {
  const locksMs = [0.5, 1, 2, 4, 8, 15].map((minutes) => minutes * minute);
  return {
    free,
    locksMs,
    cap,
    knownDeviceCap: Math.min(free + 10, cap),
    networkLimit,
    windowMs: 15 * minute,
  };
}
