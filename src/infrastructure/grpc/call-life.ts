import { Code, ConnectError } from "@connectrpc/connect";

/** How long interceptors get to pass on the error of a call that is over before it is answered over their heads. */
export const backstopMs = 25;
/** At its own deadline a caller cancels. A cancellation this close to the deadline is taken for what it is. */
const slackMs = 10;

/**
 * How long one call lives: until its deadline, or until its caller goes. Whoever waits for something on behalf of the
 * call waits through `orAborted`, so that nothing that ignores the signal can keep the call alive.
 */
export class CallLife {
  private endsAt = Number.POSITIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;
  private reason: ConnectError | undefined;
  private controller: AbortController | undefined;
  private readonly waiting = new Set<(reason: ConnectError) => void>();

  /**
   * @param onDeadline called at the deadline, after everybody who waits has been told
   * @param onOverdue called when the call has still not ended a moment later
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

  /** The call has been answered; nothing happens to it any more. */
  end(): void {
    clearTimeout(this.timer);
  }

  /** The caller, or its connection, has gone. Answers why the call is over. */
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

  /** Made when first read. Aborts with the ConnectError that ends the call; an answered call does not abort. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.reason !== undefined) {
        this.controller.abort(this.reason);
      }
    }
    return this.controller.signal;
  }

  /** Throws the ConnectError that ended the call, if one did. */
  throwIfAborted(): void {
    if (this.reason !== undefined) {
      throw this.reason;
    }
  }

  /** The value, or the ConnectError that ends the call: whichever is first. What comes later is dropped. */
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

  /** Ends the call for `reason`; the first one counts. */
  abort(reason: ConnectError): void {
    if (this.reason !== undefined) {
      return;
    }
    this.reason = reason;
    // Before the signal: a handler that rejects because of it must not be first with an error of its own.
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
