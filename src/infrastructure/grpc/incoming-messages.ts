interface Waiting<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

/**
 * The messages of one caller, read one at a time and on demand, so that a handler that is slow, or has stopped reading,
 * makes the caller wait (HTTP/2 flow control).
 */
export class IncomingMessages<T> implements AsyncIterableIterator<T, undefined> {
  private readonly requestOne: () => void;
  private readonly decode: (bytes: Uint8Array) => T;
  private readonly waiting: Waiting<T>[] = [];
  private ended = false;
  private failure: { readonly error: unknown } | undefined;

  /**
   * @param requestOne requests one more message from the transport, which responds with `push`, `end` or `fail`
   * @param decode throws the error for the reader if the bytes are not a valid message
   */
  constructor(requestOne: () => void, decode: (bytes: Uint8Array) => T) {
    this.requestOne = requestOne;
    this.decode = decode;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.failure !== undefined) {
      return Promise.reject(this.failure.error);
    }
    if (this.ended) {
      return Promise.resolve({ done: true, value: undefined });
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      if (this.waiting.length === 1) {
        this.requestOne();
      }
    });
  }

  /** Called when the reader stops: no more messages are requested from the transport. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  push(bytes: Uint8Array): void {
    const reader = this.waiting.shift();
    if (reader === undefined) {
      return;
    }
    try {
      reader.resolve({ done: false, value: this.decode(bytes) });
    } catch (error) {
      this.fail(error);
      reader.reject(error);
      return;
    }
    if (this.waiting.length > 0) {
      this.requestOne();
    }
  }

  end(): void {
    this.ended = true;
    for (const reader of this.waiting.splice(0)) {
      reader.resolve({ done: true, value: undefined });
    }
  }

  fail(error: unknown): void {
    if (this.ended) {
      return;
    }
    this.failure ??= { error };
    for (const reader of this.waiting.splice(0)) {
      reader.reject(error);
    }
  }
}
