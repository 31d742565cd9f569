import type { Call } from "../../domain/call.ts";
import { DomainError } from "../../domain/errors.ts";

/**
 * Lets so many slow tasks run at once and so many wait, and refuses the rest at once. Unbounded hashing starves libuv's
 * threads, which name look-ups and file reads share, and makes every caller wait for longer than it will.
 */
export class HashPool {
  readonly #concurrency: number;
  readonly #queueLimit: number;
  readonly #queue = new Set<() => void>();
  #running = 0;
  /** Milliseconds that a task took lately: a moving average, for telling callers when to come back. */
  #typicalMs = 25;

  constructor({ concurrency, queueLimit }: { concurrency: number; queueLimit: number }) {
    this.#concurrency = concurrency;
    this.#queueLimit = queueLimit;
  }

  /** @throws OVERLOADED where a task that is brought now would be refused. */
  assertRoom(): void {
    if (this.#running < this.#concurrency || this.#queue.size < this.#queueLimit) return;
    const retryAfterMs = Math.ceil((this.#queue.size / this.#concurrency) * this.#typicalMs);
    throw new DomainError("OVERLOADED", "too many passwords wait to be hashed", { retryAfterMs });
  }

  /**
   * Runs a task when it is its turn; never for a call that has been aborted by then.
   * @throws OVERLOADED where the queue is full; the reason of the call's signal.
   */
  async run<T>(call: Call, task: () => Promise<T>): Promise<T> {
    call.signal.throwIfAborted();
    if (this.#running >= this.#concurrency) await this.#turn(call.signal);
    else this.#running += 1;
    const startedAt = performance.now();
    try {
      call.signal.throwIfAborted();
      return await task();
    } finally {
      this.#typicalMs += (performance.now() - startedAt - this.#typicalMs) / 16;
      this.#pass();
    }
  }

  /** Waits until a running task hands over its place. */
  #turn(signal: AbortSignal): Promise<void> {
    this.assertRoom();
    return new Promise((resolve, reject) => {
      const start = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#queue.delete(start);
        reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#queue.add(start);
    });
  }

  /** Hands this place to who has waited longest, or gives it up. */
  #pass(): void {
    const [next] = this.#queue;
    if (next === undefined) {
      this.#running -= 1;
      return;
    }
    this.#queue.delete(next);
    next();
  }
}
