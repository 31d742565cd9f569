import { readFileSync } from "node:fs";

const everyMs = 5;

interface Sample {
  readonly at: number;
  /** Milliseconds so far. */
  readonly starvedMs: number;
}

/**
 * How long a busy machine has kept this process and a service's from running while they had something to do, so that
 * what a test measures can be told from what it suffers: our own timers that were late, and what the kernel says that
 * the service's main thread has waited for a core (schedstat).
 */
export class Starvation implements Disposable {
  readonly #samples: Sample[] = [];
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  #due = performance.now();
  #lateMs = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#timer = setInterval(() => this.#sample(), everyMs);
    this.#sample();
  }

  /** Milliseconds of a time span, which must be over. */
  within(from: number, to: number): number {
    if (to <= from) return 0;
    this.#sample();
    const before = this.#samples.findLast(({ at }) => at <= from) ?? this.#samples[0]!;
    const after = this.#samples.find(({ at }) => at >= to) ?? this.#samples.at(-1)!;
    return Math.min(to - from, after.starvedMs - before.starvedMs);
  }

  /** Milliseconds since the start. */
  get total(): number {
    return Math.round(this.#samples.at(-1)!.starvedMs - this.#samples[0]!.starvedMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    const at = performance.now();
    this.#lateMs += Math.max(0, at - this.#due);
    this.#due = at + everyMs;
    this.#samples.push({ at, starvedMs: this.#lateMs + waitedForCoreMs(this.#pid) });
  }
}

/** Milliseconds that a process's main thread has waited for a core since it began. */
export function waitedForCoreMs(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[1]) / 1e6;
  } catch {
    // It has ended, or this kernel keeps no such account.
    return 0;
  }
}
