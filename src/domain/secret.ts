const redacted = "[redacted]";

/**
 * What must not be seen where it is not used: a password, a token, a key. However it is printed (as a text, as JSON, by the
 * log, by console, with the object that holds it) it reads "[redacted]". What it is, is told to who asks for it by `reveal`,
 * which is done where it is prepared, checked or handed on, and never before.
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

  /** What `console.log` and `util.inspect` print, at every depth. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return redacted;
  }
}
