import type { Deadline } from "../../domain/call.ts";

/** Upper limit in milliseconds on a unit of work, retries included, even if its call allows more. */
export const patienceMs = 2_000;

/** A unit of work ran out of time. The cause is the last error it met, if any. */
export class TimeLimitExceededError extends Error {
  override readonly name = "TimeLimitExceededError";
}

/** The time limit of one unit of work: it ends when the call is aborted, and after `patienceMs` at the latest. */
export class Budget implements Disposable {
  readonly signal: AbortSignal;
  readonly #call: Deadline;
  readonly #endsAt: number;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort: () => void;

  constructor(call: Deadline) {
    call.signal.throwIfAborted();
    const controller = new AbortController();
    const givenMs = Math.min(patienceMs, call.timeoutMs() ?? patienceMs);
    this.signal = controller.signal;
    this.#call = call;
    this.#endsAt = performance.now() + givenMs;
    this.#timer = setTimeout(
      () => controller.abort(new TimeLimitExceededError("the database did not answer in time")),
      patienceMs,
    );
    this.#onAbort = () => controller.abort(call.signal.reason);
    call.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  timeLeftMs(): number {
    return this.#endsAt - performance.now();
  }

  /**
   * Returns the error to throw after `error`: the abort reason of the call if it was aborted, TimeLimitExceededError if
   * the time is up, otherwise `error` itself.
   */
  explain(error: unknown): unknown {
    if (this.#call.signal.aborted) return this.#call.signal.reason;
    if (this.signal.aborted)
      return new TimeLimitExceededError("the database did not answer in time", { cause: error });
    return error;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#call.signal.removeEventListener("abort", this.#onAbort);
  }
}
