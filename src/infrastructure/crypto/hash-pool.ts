import type { Call } from "../../domain/call.ts";
import { DomainError } from "../../domain/errors.ts";
import type { Work } from "./password-hashes/effort.ts";

export interface HashPoolLimits {
  /** Tasks that run at once. */
  readonly concurrency: number;
  /** Memory of those, in KiB. A task that takes more runs alone. */
  readonly memoryKib: number;
  /** Tasks that wait. */
  readonly queueLimit: number;
  /** Time of a core that `queueLimit` tasks may take, for each. */
  readonly unitMs: number;
}

/** A task that waits. */
interface Waiting {
  readonly work: Work;
  readonly start: () => void;
}

/**
 * Lets slow tasks run and wait within limits of number, memory and time, in their order, and refuses the rest at once.
 * Unbounded hashing starves libuv's threads, which name look-ups and file reads share, and makes every caller wait for longer
 * than it will. Imported hashes take up to a hundred times as long as ours, so that a number of them bounds nothing.
 */
export class HashPool {
  readonly #limits: HashPoolLimits;
  readonly #queue = new Set<Waiting>();
  #queuedMs = 0;
  #running = 0;
  #runningKib = 0;
  /** Milliseconds that a task took lately: a moving average, for telling callers when to come back. */
  #typicalMs = 25;

  constructor(limits: HashPoolLimits) {
    this.#limits = limits;
  }

  /** @throws OVERLOADED where a usual task that is brought now would be refused. */
  assertRoom(): void {
    if (this.#queue.size === 0 && this.#running < this.#limits.concurrency) return;
    this.#assertRoomFor(this.#limits.unitMs);
  }

  /**
   * Runs a task when it is its turn; never for a call that has been aborted by then.
   * @throws OVERLOADED where the queue is full; the reason of the call's signal.
   */
  async run<T>(call: Call, work: Work, task: () => Promise<T>): Promise<T> {
    call.signal.throwIfAborted();
    if (this.#queue.size === 0 && this.#fits(work)) this.#take(work);
    else await this.#turn(call.signal, work);
    const startedAt = performance.now();
    try {
      call.signal.throwIfAborted();
      return await task();
    } finally {
      this.#typicalMs += (performance.now() - startedAt - this.#typicalMs) / 16;
      this.#running -= 1;
      this.#runningKib -= work.memoryKib;
      this.#startWaiting();
    }
  }

  #fits({ memoryKib }: Work): boolean {
    if (this.#running === 0) return true;
    return this.#running < this.#limits.concurrency && this.#runningKib + memoryKib <= this.#limits.memoryKib;
  }

  #take({ memoryKib }: Work): void {
    this.#running += 1;
    this.#runningKib += memoryKib;
  }

  #assertRoomFor(ms: number): void {
    const { concurrency, queueLimit, unitMs } = this.#limits;
    const { size } = this.#queue;
    const isShort = size === 0 || this.#queuedMs + ms <= queueLimit * unitMs;
    if (size < queueLimit && isShort) return;
    const retryAfterMs = Math.ceil(Math.max(this.#queuedMs, size * this.#typicalMs) / concurrency);
    throw new DomainError("OVERLOADED", "too many passwords are waiting to be hashed; retry later", {
      retryAfterMs,
    });
  }

  /** Waits for room, which `#startWaiting` takes. */
  #turn(signal: AbortSignal, work: Work): Promise<void> {
    this.#assertRoomFor(work.ms);
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#remove(waiting);
        reject(signal.reason);
        // Whoever was behind may fit.
        this.#startWaiting();
      };
      const start = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const waiting = { work, start };
      signal.addEventListener("abort", leave, { once: true });
      this.#queue.add(waiting);
      this.#queuedMs += work.ms;
    });
  }

  #remove(waiting: Waiting): void {
    if (!this.#queue.delete(waiting)) return;
    // Sums of fractions leave a rest.
    this.#queuedMs = this.#queue.size === 0 ? 0 : this.#queuedMs - waiting.work.ms;
  }

  /** Starts those that have waited longest, as long as they fit: nobody passes one that needs more memory. */
  #startWaiting(): void {
    for (const waiting of this.#queue) {
      if (!this.#fits(waiting.work)) return;
      this.#remove(waiting);
      this.#take(waiting.work);
      waiting.start();
    }
  }
}
