import type { Deadline } from "../../domain/call.ts";
import { patienceMs, TimeLimitExceededError } from "./budget.ts";

export interface CoalescedReadsOptions<Key, Value> {
  /** Reads the values of several keys in one statement and returns them in the order of the keys. */
  readonly load: (call: Deadline, keys: readonly Key[]) => Promise<readonly (Value | undefined)[]>;
  /** Statements that may run at once (default 2). Reads that wait for a lane are batched. */
  readonly lanes?: number;
  /** Maximum number of keys in one statement (default 500). */
  readonly limit?: number;
}

/**
 * Batches reads of single records into few statements. A read is sent at the end of the event-loop turn that
 * requested it or, if all lanes are busy, with the next statement; all reads waiting at that moment go together. So a
 * lone read is not delayed, and under load many reads share the cost of one statement.
 *
 * A read never joins a statement that was already sent, so a result is never older than its request. Each read keeps
 * its own call and time limit. A statement is cancelled once no reader waits for it.
 */
export class CoalescedReads<Key, Value> {
  readonly #options: Required<CoalescedReadsOptions<Key, Value>>;
  #queue: Reader<Key, Value>[] = [];
  #running = 0;
  #scheduled = false;

  constructor(options: CoalescedReadsOptions<Key, Value>) {
    this.#options = { lanes: 2, limit: 500, ...options };
  }

  /** @throws whatever `load` throws; the abort reason of the call; TimeLimitExceededError if the time is up */
  find(call: Deadline, key: Key): Promise<Value | undefined> {
    const reader = new Reader<Key, Value>(key, call);
    this.#queue.push(reader);
    this.#schedule();
    return reader.answer;
  }

  #schedule(): void {
    if (this.#scheduled || this.#running >= this.#options.lanes) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#queue.length > 0 && this.#running < this.#options.lanes) void this.#send();
    });
  }

  async #send(): Promise<void> {
    const readers = this.#queue.splice(0, this.#options.limit).filter(({ waits }) => waits);
    if (readers.length === 0) return;
    this.#running += 1;
    const abandoned = new AbortController();
    for (const reader of readers) {
      reader.onLeave = () => {
        if (!readers.some(({ waits }) => waits)) abandoned.abort(outOfPatience());
      };
    }
    try {
      const timeoutMs = () => Math.max(...readers.map((reader) => reader.timeLeftMs()));
      const call = { signal: abandoned.signal, timeoutMs };
      const keys = readers.map(({ key }) => key);
      const values = await this.#options.load(call, keys);
      for (const [index, reader] of readers.entries()) reader.resolve(values[index]);
    } catch (error) {
      for (const reader of readers) reader.reject(error);
    } finally {
      this.#running -= 1;
      this.#schedule();
    }
  }
}

/** One caller waiting for the value of a key, until the value arrives, the call is aborted or its time is up. */
class Reader<Key, Value> {
  readonly key: Key;
  readonly answer: Promise<Value | undefined>;
  /** Called when the reader leaves without a result. */
  onLeave: () => void = () => {};
  #waits = true;
  readonly #call: Deadline;
  readonly #endsAt = performance.now() + patienceMs;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort: () => void;
  readonly #settle: { resolve(value: Value | undefined): void; reject(error: unknown): void };

  constructor(key: Key, call: Deadline) {
    const { signal } = call;
    const { promise, ...settle } = Promise.withResolvers<Value | undefined>();
    this.key = key;
    this.answer = promise;
    this.#settle = settle;
    this.#call = call;
    this.#onAbort = () => this.#leave(signal.reason);
    this.#timer = setTimeout(() => this.#leave(outOfPatience()), patienceMs);
    if (signal.aborted) this.reject(signal.reason);
    else signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  get waits(): boolean {
    return this.#waits;
  }

  timeLeftMs(): number {
    return Math.min(this.#endsAt - performance.now(), this.#call.timeoutMs() ?? patienceMs);
  }

  resolve(value: Value | undefined): void {
    this.#end();
    this.#settle.resolve(value);
  }

  reject(error: unknown): void {
    this.#end();
    this.#settle.reject(error);
  }

  #leave(reason: unknown): void {
    this.reject(reason);
    this.onLeave();
  }

  #end(): void {
    this.#waits = false;
    clearTimeout(this.#timer);
    this.#call.signal.removeEventListener("abort", this.#onAbort);
  }
}

function outOfPatience(): TimeLimitExceededError {
  return new TimeLimitExceededError("the database did not answer in time");
}
