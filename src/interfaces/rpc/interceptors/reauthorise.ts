/** When an open stream is authorised again. Milliseconds. */
export interface ReauthorisationTimes {
  /** Between the beginnings of two checks. */
  readonly everyMs: number;
  /** How old the look at a key may be that a check relies on. */
  readonly maxAgeMs: number;
  /** How long a stream stays open while no check has an outcome, because the database is away. */
  readonly maxDoubtMs: number;
}

/** A revocation ends a stream within `everyMs` and `maxAgeMs`, and the time of one lookup: 5 s at most. */
export const defaultReauthorisationTimes: ReauthorisationTimes = {
  everyMs: 3_000,
  maxAgeMs: 1_000,
  maxDoubtMs: 30_000,
};

/**
 * Authorises the caller of one open stream again and again, and calls `end` once with what the stream is to end with.
 * A check that has no outcome leaves the stream open, until `maxDoubtMs` have passed since the last one that had.
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
    /** Throws if the caller may not go on. */
    check: () => Promise<void>;
    /** Whether an error of `check` is its outcome. Any other error says that there is no outcome. */
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

  /** The stream has ended. */
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
      if (this.#isRefusal(error) || doubtMs >= this.#times.maxDoubtMs) this.#endWith(error);
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
