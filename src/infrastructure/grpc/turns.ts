/**
 * Maximum waiting calls. Each may hold HTTP/2's window of 64 KiB: above the limit, starting a call costs less than
 * holding it.
 */
const maxWaiting = 256;

/**
 * Delays the calls of connections that have had no admitted call: one call starts per turn of the event loop,
 * round-robin over these connections. Otherwise a burst would be refused in one go while all other callers wait.
 */
export class Turns {
  readonly #waiting = new Map<object, (() => void)[]>();
  readonly #trusted = new WeakSet<object>();
  #count = 0;

  /** Marks a connection with an admitted call: its calls start at once from now on. */
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
    // Requeue behind all other waiting connections.
    if (starts.length > 0) this.#waiting.set(connection, starts);
    if (this.#waiting.size > 0) setImmediate(() => this.#next());
    start?.();
  }
}
