import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { Call } from "../call.ts";
import { DomainError } from "../errors.ts";
import { sweepAll } from "../sweep.ts";
import type { PlacedEvent } from "./event.ts";

/** How many of the newest events are kept for those who watch, and how many are read at once. */
const keptEvents = 1_000;
const readAtOnce = 500;

/**
 * The events in their order, for all who watch in this process: one task reads what is new and keeps the newest in memory.
 * Whoever is further behind reads from the database until there. Nobody is waited for: each takes events when it likes.
 */
export class EventFeed {
  readonly #repository: RelationalRepository;
  readonly #waiting = new Set<() => void>();
  /** The newest events without gaps, up to `#tail`. */
  #newest: PlacedEvent[] = [];
  /** The last place that this process knows of; undefined while nobody watches. */
  #tail: number | undefined;
  #watchers = 0;
  #isClosed = false;

  constructor(repository: RelationalRepository) {
    this.#repository = repository;
  }

  /**
   * Gives the events that wait for it their place, and reads what is new where anybody watches. For a task in the
   * background of every instance: whichever comes first places an event.
   */
  async advance(call: Call): Promise<void> {
    if (await this.#repository.read(call).events.areUnplaced()) {
      await sweepAll((limit) => this.#repository.transaction(call, ({ events }) => events.place(limit)));
    }
    if (this.#watchers === 0) {
      this.#tail = undefined;
      this.#newest = [];
    } else await this.#readNew(call);
  }

  /** Somebody watches until this is disposed of. */
  join(): Disposable {
    this.#watchers += 1;
    return {
      [Symbol.dispose]: () => {
        this.#watchers -= 1;
      },
    };
  }

  /** The last place that was given. */
  head(call: Call): Promise<number> {
    return this.#repository.read(call).events.head();
  }

  /**
   * The events behind a place, some of them at once; none where there are none yet.
   * @param known a place that there is
   * @throws CURSOR_TOO_OLD where some were forgotten; SHUTTING_DOWN
   */
  async listBehind(call: Call, position: number, known: number): Promise<readonly PlacedEvent[]> {
    if (this.#isClosed) throw shuttingDown();
    if (this.#tail !== undefined && position >= this.#tail) return [];
    const first = this.#newest[0]?.position;
    if (first !== undefined && position + 1 >= first) return this.#newest.slice(position + 1 - first);
    const found = await this.#repository.read(call).events.listBehind(position, readAtOnce);
    if (!isGapless(found, position) || (found.length === 0 && position < known)) {
      throw new DomainError("CURSOR_TOO_OLD", "events after this cursor were purged; start a new watch");
    }
    return found;
  }

  /** Waits until there may be events behind a place, the time is over, the call is, or the feed is closed. */
  async wait(call: Call, position: number, timeoutMs: number): Promise<void> {
    if (this.#isClosed || (this.#tail !== undefined && this.#tail > position)) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        call.signal.removeEventListener("abort", wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      this.#waiting.add(wake);
      if (call.signal.aborted) wake();
      else call.signal.addEventListener("abort", wake);
    });
  }

  /** Ends all watches: the process is about to stop, and another one goes on from their cursors. */
  close(): void {
    this.#isClosed = true;
    this.#wakeAll();
  }

  async #readNew(call: Call): Promise<void> {
    const { events } = this.#repository.read(call);
    const before = this.#tail;
    this.#tail ??= await events.head();
    for (;;) {
      const found = await events.listBehind(this.#tail, readAtOnce);
      const last = found.at(-1);
      if (last === undefined) break;
      this.#newest = isGapless(found, this.#tail) ? [...this.#newest, ...found].slice(-keptEvents) : [];
      this.#tail = last.position;
      if (found.length < readAtOnce) break;
    }
    if (this.#tail !== before) this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake();
  }
}

function isGapless(events: readonly PlacedEvent[], after: number): boolean {
  return events.every(({ position }, index) => position === after + 1 + index);
}

function shuttingDown(): DomainError {
  return new DomainError("SHUTTING_DOWN", "this instance is shutting down; reconnect with the last cursor");
}
