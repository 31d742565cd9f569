import type { CallLife } from "./call-life.ts";

/**
 * A handler's messages, until its call ends. The reader gets the error that ends the call without waiting for a handler
 * that ignores the signal. The handler's iterator is closed when the reader stops or the call ends.
 *
 * @param map applied to each message before it is passed on
 * @param onEnd called when the messages end, for whatever reason
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

/** Lets an iterator clean up without waiting for it: a generator returns only after its current step is over. */
export function stop(iterator: Iterator<unknown> | AsyncIterator<unknown>): void {
  try {
    Promise.resolve(iterator.return?.()).catch(ignore);
  } catch {
    // There is no caller left to report the error to.
  }
}

function ignore(): void {}
