import type { CallLife } from "./call-life.ts";

/**
 * A handler's messages, up to the end of its call: whoever reads them gets the error that ends the call without waiting
 * for a handler that does not notice. The handler's iterator is told when nobody wants more.
 *
 * @param map made of each message before it is handed on
 * @param onEnd called once the messages have ended, in whatever way
 */
export function untilAborted<T, M>(
  life: CallLife,
  messages: AsyncIterable<T> | Iterable<T>,
  map: (message: T) => M,
  onEnd: () => void = ignore,
): AsyncIterable<M> {
  return {
    [Symbol.asyncIterator]() {
      const iterator =
        Symbol.asyncIterator in messages ? messages[Symbol.asyncIterator]() : messages[Symbol.iterator]();
      return {
        async next() {
          try {
            life.throwIfAborted();
            const next = await life.orAborted(iterator.next());
            if (next.done !== true) {
              return { done: false, value: map(next.value) };
            }
            onEnd();
            return { done: true, value: undefined };
          } catch (error) {
            stop(iterator);
            onEnd();
            throw error;
          }
        },
        async return() {
          stop(iterator);
          onEnd();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** Lets an iterator clean up without waiting for it: a generator answers only once its current step is over. */
export function stop(iterator: Iterator<unknown> | AsyncIterator<unknown>): void {
  try {
    Promise.resolve(iterator.return?.()).catch(ignore);
  } catch {
    // Nobody is left to hear of it.
  }
}

function ignore(): void {}
