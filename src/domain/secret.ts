const redacted = "[redacted]";

/**
 * A value that must not leak: a password, a token, a key. However it is printed (as a string, as JSON, by the log, by
 * console, within another object) it reads "[redacted]". Call `reveal` only where the value is prepared, checked or
 * handed on.
 */
export class Secret<T = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  /** Used by `console.log` and `util.inspect`, at every depth. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return redacted;
  }
}
