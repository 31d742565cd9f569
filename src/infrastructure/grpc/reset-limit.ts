/**
 * Limits how often the callers on one connection may cancel unanswered calls: more is a rapid-reset attack
 * (CVE-2023-44487). A token bucket that holds one second's worth.
 */
export class ResetLimit {
  readonly #perSecond: number;
  readonly #now: () => number;
  readonly #buckets = new WeakMap<object, { left: number; filledAt: number }>();

  /** @param now monotonic clock in milliseconds */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /** Counts one reset. @returns false if it exceeds the limit */
  count(connection: object): boolean {
    const now = this.#now();
    const bucket = this.#buckets.get(connection) ?? { left: this.#perSecond, filledAt: now };
    const refilled = bucket.left + ((now - bucket.filledAt) / 1_000) * this.#perSecond;
    bucket.left = Math.min(this.#perSecond, refilled) - 1;
    bucket.filledAt = now;
    this.#buckets.set(connection, bucket);
    return bucket.left >= 0;
  }
}
