import { Code, ConnectError } from "@connectrpc/connect";

/**
 * How long interceptors may take to pass on the error of an ended call, before it is answered without them.
 * Milliseconds.
 */
export const backstopMs = 25;
/**
 * Callers cancel at their own deadline, so a cancellation this close to it counts as DEADLINE_EXCEEDED. Milliseconds.
 */
const slackMs = 10;

/**
 * The lifetime of one call: it ends at its deadline, or when the caller cancels or disconnects. Code that waits on
 * behalf of the call waits through `orAborted`, so code that ignores the signal cannot keep the call alive.
 */
export class CallLife {
  private endsAt = Number.POSITIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;
  private reason: ConnectError | undefined;
  private controller: AbortController | undefined;
  private readonly waiting = new Set<(reason: ConnectError) => void>();

  /**
   * @param onDeadline called at the deadline, after all waiting promises are rejected
   * @param onOverdue called if the call has still not ended `backstopMs` later
   */
  start(
    timeoutMs: number,
    onDeadline: (reason: ConnectError) => void,
    onOverdue: (reason: ConnectError) => void,
  ) {
    this.endsAt = Date.now() + timeoutMs;
    this.timer = setTimeout(() => {
      const reason = deadlineExceeded();
      this.timer = setTimeout(onOverdue, backstopMs, reason);
      this.abort(reason);
      onDeadline(reason);
    }, timeoutMs);
  }

  /** Stops the deadline timer. Call this when the call has been answered. */
  end(): void {
    clearTimeout(this.timer);
  }

  /** Ends the call because the caller cancelled or disconnected. Returns the reason. */
  leave(): ConnectError {
    this.end();
    const reason =
      Date.now() >= this.endsAt - slackMs
        ? deadlineExceeded()
        : new ConnectError("the call was cancelled", Code.Canceled);
    this.abort(reason);
    return reason;
  }

  /** Milliseconds to the deadline, never negative. */
  timeLeftMs(): number {
    return Math.max(0, this.endsAt - Date.now());
  }

  /** Created on first read. Aborts with the ConnectError that ends the call; does not abort if the call is answered. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.reason !== undefined) {
        this.controller.abort(this.reason);
      }
    }
    return this.controller.signal;
  }

  /** Throws the ConnectError that ended the call, if there is one. */
  throwIfAborted(): void {
    if (this.reason !== undefined) {
      throw this.reason;
    }
  }

  /**
   * Resolves with the value, or rejects with the ConnectError that ends the call, whichever is first. The other is
   * dropped.
   */
  orAborted<T>(value: T | PromiseLike<T>): T | Promise<T> {
    if (!isPromise(value)) {
      return value;
    }
    return new Promise((resolve, reject) => {
      if (this.reason !== undefined) {
        reject(this.reason);
      }
      this.waiting.add(reject);
      value.then(
        (result) => {
          this.waiting.delete(reject);
          resolve(result);
        },
        (error) => {
          this.waiting.delete(reject);
          reject(error);
        },
      );
    });
  }

  /** Ends the call with `reason`. Only the first reason counts. */
  abort(reason: ConnectError): void {
    if (this.reason !== undefined) {
      return;
    }
    this.reason = reason;
    // Before the signal aborts: a handler that rejects on abort must not win the race with its own error.
    for (const reject of this.waiting) {
      reject(reason);
    }
    this.waiting.clear();
    this.controller?.abort(reason);
  }
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as Partial<PromiseLike<T>> | undefined)?.then === "function";
}

function deadlineExceeded(): ConnectError {
  return new ConnectError("the deadline has passed", Code.DeadlineExceeded);
}
