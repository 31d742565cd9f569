import type { Deadline } from "../../domain/call.ts";

export interface ReadinessOptions {
  /** Resolves if the service can do its work. */
  readonly check: (deadline: Deadline) => Promise<void>;
  /** Called with the first state, and with every change. */
  readonly onChange: (ready: boolean, cause?: unknown) => void;
  readonly intervalMs?: number;
  /** Milliseconds between checks while they disagree with the current state. */
  readonly recheckIntervalMs?: number;
  readonly timeoutMs?: number;
  /** Consecutive checks that must disagree with the current state to change it: one lost check changes nothing. */
  readonly hysteresis?: number;
}

/**
 * Tracks whether the service can do its work, by a periodic check. With the defaults, a failure or a recovery shows
 * after 0.5 to 4.5 seconds. A check is two statements at most, so a database that takes 300 ms per statement is ready.
 */
export class Readiness implements Disposable {
  readonly #options: Required<ReadinessOptions>;
  readonly #stopped = new AbortController();
  #ready: boolean;
  #cause: unknown;
  #contradictions = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Runs the first check. Its outcome is the first state. */
  static async begin(options: ReadinessOptions): Promise<Readiness> {
    const settings = {
      intervalMs: 1_000,
      recheckIntervalMs: 500,
      timeoutMs: 1_500,
      hysteresis: 2,
      ...options,
    };
    const readiness = new Readiness(settings);
    const failure = await readiness.#failure();
    readiness.#change(failure === undefined, failure?.error);
    readiness.#schedule();
    return readiness;
  }

  private constructor(options: Required<ReadinessOptions>) {
    this.#options = options;
    this.#ready = false;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** The error of the check that ended readiness; undefined while ready, and after disposal. */
  get cause(): unknown {
    return this.#cause;
  }

  /** Sets the state to not ready permanently, whatever the check finds. */
  [Symbol.dispose](): void {
    if (this.#stopped.signal.aborted) return;
    this.#stopped.abort(new Error("the service is stopping"));
    clearTimeout(this.#timer);
    if (this.#ready) this.#change(false);
    this.#cause = undefined;
  }

  #schedule(): void {
    if (this.#stopped.signal.aborted) return;
    const { intervalMs, recheckIntervalMs } = this.#options;
    const delayMs = this.#contradictions > 0 ? Math.min(intervalMs, recheckIntervalMs) : intervalMs;
    this.#timer = setTimeout(() => void this.#look(), delayMs);
  }

  async #look(): Promise<void> {
    const failure = await this.#failure();
    if (this.#stopped.signal.aborted) return;
    const passed = failure === undefined;
    this.#contradictions = passed === this.#ready ? 0 : this.#contradictions + 1;
    if (this.#contradictions >= this.#options.hysteresis) this.#change(passed, failure?.error);
    this.#schedule();
  }

  /** Runs the check. Resolves with its error if it fails. */
  #failure(): Promise<{ readonly error: unknown } | undefined> {
    const { check, timeoutMs } = this.#options;
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(timeoutMs)]);
    return check({ signal, timeoutMs: () => timeoutMs }).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
  }

  #change(ready: boolean, cause?: unknown): void {
    this.#ready = ready;
    this.#cause = cause;
    this.#contradictions = 0;
    this.#options.onChange(ready, cause);
  }
}
