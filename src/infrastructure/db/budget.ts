import type { Patience } from "../../domain/call.ts";

/** Milliseconds that a unit of work may take, retries included, however much more its call would give. */
export const patienceMs = 2_000;

/** The patience for a unit of work was over. The cause is what it met last, if anything. */
export class OutOfPatienceError extends Error {
  override readonly name = "OutOfPatienceError";
}

/** The time of one unit of work: over when the call is aborted, and after `patienceMs` at the latest. */
export class Budget implements Disposable {
  readonly signal: AbortSignal;
  readonly #call: Patience;
  readonly #endsAt: number;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort: () => void;

  constructor(call: Patience) {
    call.signal.throwIfAborted();
    const controller = new AbortController();
    const givenMs = Math.min(patienceMs, call.timeoutMs() ?? patienceMs);
    this.signal = controller.signal;
    this.#call = call;
    this.#endsAt = performance.now() + givenMs;
    this.#timer = setTimeout(
      () => controller.abort(new OutOfPatienceError("the database did not answer in time")),
      patienceMs,
    );
    this.#onAbort = () => controller.abort(call.signal.reason);
    call.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  timeLeftMs(): number {
    return this.#endsAt - performance.now();
  }

  /** The error to end with, after `error`: the call's own where it was aborted. */
  explain(error: unknown): unknown {
    if (this.#call.signal.aborted) return this.#call.signal.reason;
    if (this.signal.aborted)
      return new OutOfPatienceError("the database did not answer in time", { cause: error });
    return error;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#call.signal.removeEventListener("abort", this.#onAbort);
  }
}
