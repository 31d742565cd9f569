/** Limits of the bytes that incomplete and waiting messages may hold. */
export interface UnreadLimits {
  readonly perConnection: number;
  readonly perProcess: number;
}

export const defaultUnreadLimits: UnreadLimits = {
  perConnection: 8 * 1024 * 1024,
  perProcess: 64 * 1024 * 1024,
};

/** The bytes that one call holds. */
export interface ByteLease {
  /** @returns false if a limit would be exceeded; then nothing is taken */
  take(bytes: number): boolean;
  /** Releases taken bytes: the given number, or all of them. */
  release(bytes?: number): void;
}

/**
 * Limits the bytes held by incomplete and waiting messages, per connection and per process. HTTP/2 flow control alone
 * allows 64 KiB for each stream, and does not cover a message that is being assembled.
 */
export class UnreadBytes {
  readonly #limits: UnreadLimits;
  readonly #byConnection = new WeakMap<object, { bytes: number }>();
  #total = 0;

  constructor(limits: UnreadLimits = defaultUnreadLimits) {
    this.#limits = limits;
  }

  open(connection: object): ByteLease {
    let held = this.#byConnection.get(connection);
    if (held === undefined) {
      held = { bytes: 0 };
      this.#byConnection.set(connection, held);
    }
    return this.#leaseOf(held);
  }

  /** A lease that is opened on first use: most messages arrive whole and need none. */
  lazyLease(connection: () => object | undefined): ByteLease {
    let opened: ByteLease | undefined;
    return {
      take: (bytes) => {
        const current = connection();
        if (current === undefined) return false;
        opened ??= this.open(current);
        return opened.take(bytes);
      },
      release: (bytes) => opened?.release(bytes),
    };
  }

  #leaseOf(held: { bytes: number }): ByteLease {
    let taken = 0;
    return {
      take: (bytes) => {
        const { perConnection, perProcess } = this.#limits;
        if (held.bytes + bytes > perConnection || this.#total + bytes > perProcess) return false;
        taken += bytes;
        held.bytes += bytes;
        this.#total += bytes;
        return true;
      },
      release: (bytes = taken) => {
        taken -= bytes;
        held.bytes -= bytes;
        this.#total -= bytes;
      },
    };
  }
}
