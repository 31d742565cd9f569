import type { Call } from "../../domain/call.ts";
import { DomainError } from "../../domain/errors.ts";
import type { Work } from "./password-hashes/effort.ts";

export interface HashPoolLimits {
  /** Maximum number of tasks that run at once. */
  readonly concurrency: number;
  /** Maximum memory of the running tasks, in KiB. A task that takes more runs alone. */
  readonly memoryKib: number;
  /** Maximum number of queued tasks. */
  readonly queueLimit: number;
  /**
   * Core time in milliseconds for each of `queueLimit` places: the queue's total time is limited to their product.
   */
  readonly unitMs: number;
}

/** A queued task. */
interface Waiting {
  readonly work: Work;
  readonly start: () => void;
}

/**
 * Runs and queues slow tasks in order, within limits of number, memory and time, and rejects further tasks at once.
 * Unbounded hashing starves libuv's threads, which name look-ups and file reads share, and makes every caller wait
 * longer than it is willing to. Imported hashes take up to a hundred times as long as ours, so a limit on their
 * number alone bounds nothing.
 */
export class HashPool {
  readonly #limits: HashPoolLimits;
  readonly #queue = new Set<Waiting>();
  #queuedMs = 0;
  #running = 0;
  #runningKib = 0;
  /** Moving average of recent task durations in milliseconds, from which the retry delay is computed. */
  #typicalMs = 25;

  constructor(limits: HashPoolLimits) {
    this.#limits = limits;
  }

  /** @throws OVERLOADED if a typical task would be rejected now */
  assertCapacity(): void {
    if (this.#queue.size === 0 && this.#running < this.#limits.concurrency) return;
    this.#assertRoomFor(this.#limits.unitMs);
  }

  /**
   * Runs a task when its turn comes, but not if the call has been aborted by then.
   * @throws OVERLOADED if the queue is full; the abort reason of the call
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

  /** Waits until `#startWaiting` has reserved room for the task. */
  #turn(signal: AbortSignal, work: Work): Promise<void> {
    this.#assertRoomFor(work.ms);
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#remove(waiting);
        reject(signal.reason);
        // A task further back may fit now.
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
    // Resets the rounding error of floating-point sums.
    this.#queuedMs = this.#queue.size === 0 ? 0 : this.#queuedMs - waiting.work.ms;
  }

  /** Starts the tasks that have waited longest, as long as they fit. No task overtakes one that needs more memory. */
  #startWaiting(): void {
    for (const waiting of this.#queue) {
      if (!this.#fits(waiting.work)) return;
      this.#remove(waiting);
      this.#take(waiting.work);
      waiting.start();
    }
  }
}
