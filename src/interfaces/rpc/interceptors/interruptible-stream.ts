import type { StreamRequest, StreamResponse, UnaryResponse } from "@connectrpc/connect";

type Next = (request: StreamRequest) => Promise<UnaryResponse | StreamResponse>;

/**
 * A streaming call that can be ended from outside, whatever its handler waits for. Both directions and the handler's
 * signal end with the same error.
 */
export class InterruptibleStream {
  readonly #controller = new AbortController();
  readonly #waiting = new Set<(error: unknown) => void>();
  readonly #onEnd: () => void;
  #failure: { readonly error: unknown } | undefined;

  /** @param onEnd called when the call has ended for any reason */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  async run(request: StreamRequest, next: Next): Promise<UnaryResponse | StreamResponse> {
    const signal = AbortSignal.any([request.signal, this.#controller.signal]);
    try {
      const response = await this.#orInterrupted(
        next({ ...request, signal, message: this.#interruptible(request.message) }),
      );
      if (response.stream) {
        return { ...response, message: this.#interruptible(response.message, this.#onEnd) };
      }
      this.#onEnd();
      return response;
    } catch (error) {
      this.#onEnd();
      throw error;
    }
  }

  /** Only the first error takes effect. */
  interrupt(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    // Before the signal, so that a handler that rejects on abort does not end the call with an error of its own.
    for (const reject of this.#waiting) reject(error);
    this.#waiting.clear();
    this.#controller.abort(error);
  }

  #orInterrupted<T>(value: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    if (this.#failure !== undefined) reject(this.#failure.error);
    this.#waiting.add(reject);
    value.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    return promise;
  }

  #interruptible<T>(messages: AsyncIterable<T>, onEnd: () => void = () => {}): AsyncIterable<T> {
    return {
      [Symbol.asyncIterator]: () => {
        const iterator = messages[Symbol.asyncIterator]();
        // Not awaited: a generator responds to `return` only after its current step.
        const stop = () => void Promise.resolve(iterator.return?.()).catch(() => {});
        return {
          next: async () => {
            try {
              const next = await this.#orInterrupted(iterator.next());
              if (next.done === true) onEnd();
              return next;
            } catch (error) {
              stop();
              onEnd();
              throw error;
            }
          },
          return: async () => {
            stop();
            onEnd();
            return { done: true, value: undefined };
          },
        };
      },
    };
  }
}
