/** Timing of the reauthorisation of open streams. Milliseconds. */
export interface ReauthorisationTimes {
  /** Between the starts of two checks. */
  readonly everyMs: number;
  /** Maximum age of a key lookup that a check relies on. */
  readonly maxAgeMs: number;
  /** How long a stream stays open while checks have no outcome because the database is unavailable. */
  readonly maxUndecidedMs: number;
}

/** A revocation ends a stream within `everyMs` plus `maxAgeMs` plus the time of one lookup: 5 s at most. */
export const defaultReauthorisationTimes: ReauthorisationTimes = {
  everyMs: 3_000,
  maxAgeMs: 1_000,
  maxUndecidedMs: 30_000,
};

/**
 * Periodically authorises the caller of an open stream, and calls `end` once with the error that ends the stream. A
 * check without an outcome leaves the stream open, until `maxUndecidedMs` after the last check that had one.
 */
export class Reauthorisation implements Disposable {
  readonly #check: () => Promise<void>;
  readonly #isRefusal: (error: unknown) => boolean;
  readonly #times: ReauthorisationTimes;
  readonly #end: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  #authorisedAt = performance.now();
  #isChecking = false;
  #isOver = false;

  constructor(dependencies: {
    /** Throws if the caller is no longer allowed. */
    check: () => Promise<void>;
    /** Whether an error of `check` is a refusal. Any other error means that there is no outcome. */
    isRefusal: (error: unknown) => boolean;
    times: ReauthorisationTimes;
    end: (error: unknown) => void;
  }) {
    this.#check = dependencies.check;
    this.#isRefusal = dependencies.isRefusal;
    this.#times = dependencies.times;
    this.#end = dependencies.end;
    this.#timer = setInterval(() => void this.#recheck(), this.#times.everyMs).unref();
  }

  /** Call it when the stream has ended. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    clearInterval(this.#timer);
  }

  async #recheck(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    const startedAt = performance.now();
    try {
      await this.#check();
      this.#authorisedAt = startedAt;
    } catch (error) {
      const doubtMs = performance.now() - this.#authorisedAt;
      if (this.#isRefusal(error) || doubtMs >= this.#times.maxUndecidedMs) this.#endWith(error);
    } finally {
      this.#isChecking = false;
    }
  }

  #endWith(error: unknown): void {
    if (this.#isOver) return;
    this[Symbol.dispose]();
    this.#end(error);
  }
}
