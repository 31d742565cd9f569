import type { Deadline } from "../call.ts";

/** Runs at most `atOnce` calls per name concurrently; further calls queue in order. */
export class KeyedSemaphore {
  readonly #atOnce: number;
  readonly #names = new Map<string, { running: number; readonly waiting: Set<() => void> }>();

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** Runs `work` when its turn comes; never for a call that has been aborted by then. */
  async run<T>(call: Deadline, name: string, work: () => Promise<T>): Promise<T> {
    const turns = this.#names.get(name) ?? { running: 0, waiting: new Set() };
    this.#names.set(name, turns);
    if (turns.running < this.#atOnce) turns.running += 1;
    else await waitIn(turns.waiting, call.signal);
    try {
      call.signal.throwIfAborted();
      return await work();
    } finally {
      const [next] = turns.waiting;
      if (next !== undefined) {
        turns.waiting.delete(next);
        next();
      } else {
        turns.running -= 1;
        if (turns.running === 0) this.#names.delete(name);
      }
    }
  }
}

function waitIn(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const start = () => {
      signal.removeEventListener("abort", leave);
      resolve();
    };
    const leave = () => {
      waiting.delete(start);
      reject(signal.reason);
    };
    // An aborted call must not be queued: it would never pass on its turn.
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    waiting.add(start);
  });
}
