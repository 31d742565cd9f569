import type { Patience } from "../call.ts";

/** Lets so many calls at once do something for one name, and the others after them, in their order. */
export class Turns {
  readonly #atOnce: number;
  readonly #names = new Map<string, { running: number; readonly waiting: Set<() => void> }>();

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** Runs `work` when it is its turn; never for a call that is over by then. */
  async run<T>(call: Patience, name: string, work: () => Promise<T>): Promise<T> {
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
    // Whoever has gone must not be handed a turn: it would never be passed on.
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    waiting.add(start);
  });
}
