/** Calls that wait at most. Each may hold HTTP/2's window of 64 KiB: one more is started at once, which costs less than to hold it. */
const maxWaiting = 256;

/**
 * Starts the calls of connections that have not shown yet who they are: one in each turn of the event loop, and of each such
 * connection in turn. What arrives in one burst would otherwise be refused in one go, and everybody else would wait for it.
 */
export class Turns {
  readonly #waiting = new Map<object, (() => void)[]>();
  readonly #trusted = new WeakSet<object>();
  #count = 0;

  /** The connection has had a call that was admitted: its calls start at once from now on. */
  trust(connection: object): void {
    this.#trusted.add(connection);
  }

  /** Runs `start` at once, or when it is the connection's turn. */
  take(connection: object, start: () => void): void {
    if (this.#trusted.has(connection) || this.#count >= maxWaiting) {
      start();
      return;
    }
    this.#count += 1;
    const before = this.#waiting.get(connection);
    if (before !== undefined) {
      before.push(start);
      return;
    }
    if (this.#waiting.size === 0) setImmediate(() => this.#next());
    this.#waiting.set(connection, [start]);
  }

  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    const [connection, starts] = first;
    this.#waiting.delete(connection);
    const start = starts.shift();
    this.#count -= 1;
    // Behind all other connections that wait.
    if (starts.length > 0) this.#waiting.set(connection, starts);
    if (this.#waiting.size > 0) setImmediate(() => this.#next());
    start?.();
  }
}
