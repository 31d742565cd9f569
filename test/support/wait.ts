import { setTimeout as sleep } from "node:timers/promises";

/** A promise that never settles: a handler that takes no notice of anything. */
export function never<T = never>(): Promise<T> {
  return new Promise(() => {});
}

/** Resolved once the signal has aborted, with its reason. */
export function abortOf(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve(signal.reason);
    }
    signal.addEventListener("abort", () => resolve(signal.reason));
  });
}

/** Waits until something is so; fails after two seconds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) {
    await sleep(10);
  }
  if (!condition()) {
    throw new Error(`still not so: ${condition}`);
  }
}

/** Milliseconds that something took. */
export async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const start = performance.now();
  const result = await work();
  return { result, ms: performance.now() - start };
}
