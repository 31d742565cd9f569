import type { Patience } from "../domain/call.ts";

export interface ReadinessOptions {
  /** Answers where the database does. */
  readonly ping: (patience: Patience) => Promise<void>;
  /** Told at first, and whenever it changes. */
  readonly onChange: (ready: boolean, cause?: unknown) => void;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  /** So many pings in a row, all other than what is said, change what is said: one lost ping is none. */
  readonly hysteresis?: number;
}

/**
 * Says whether the service can do its work, by asking the database again and again. With the defaults a loss or a return
 * is seen after 1 to 4 seconds.
 */
export class Readiness implements Disposable {
  readonly #options: Required<ReadinessOptions>;
  readonly #stopped = new AbortController();
  #ready = true;
  #contradictions = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Begins as ready: it is made once the database has answered. */
  constructor(options: ReadinessOptions) {
    this.#options = { intervalMs: 1_000, timeoutMs: 1_000, hysteresis: 2, ...options };
    this.#options.onChange(true);
    this.#schedule();
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Says no from now on, whatever the database says. */
  [Symbol.dispose](): void {
    this.#stopped.abort(new Error("the service is stopping"));
    clearTimeout(this.#timer);
    if (this.#ready) this.#change(false);
  }

  #schedule(): void {
    this.#timer = setTimeout(() => void this.#check(), this.#options.intervalMs);
  }

  async #check(): Promise<void> {
    const { ping, timeoutMs, hysteresis } = this.#options;
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(timeoutMs)]);
    const failure = await ping({ signal, timeoutMs: () => timeoutMs }).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    if (this.#stopped.signal.aborted) return;
    const answered = failure === undefined;
    this.#contradictions = answered === this.#ready ? 0 : this.#contradictions + 1;
    if (this.#contradictions >= hysteresis) this.#change(answered, failure?.error);
    this.#schedule();
  }

  #change(ready: boolean, cause?: unknown): void {
    this.#ready = ready;
    this.#contradictions = 0;
    this.#options.onChange(ready, cause);
  }
}
