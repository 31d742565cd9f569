import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { Call } from "../call.ts";
import { DomainError } from "../errors.ts";
import { sweepAll } from "../sweep.ts";
import type { PlacedEvent } from "./event.ts";

/** Number of newest events kept for watchers, and number of events that one query reads. */
const keptEvents = 1_000;
const readAtOnce = 500;

/**
 * The ordered events for all watchers in this process. One task reads new events and keeps the newest in memory; a
 * watcher that is further behind reads from the database. Each watcher pulls at its own pace, so a slow one never
 * delays the others.
 */
export class EventFeed {
  readonly #repository: RelationalRepository;
  readonly #waiting = new Set<() => void>();
  /** The newest events up to `#tail`, without gaps. */
  #newest: PlacedEvent[] = [];
  /** The last position that this process knows; undefined while there are no watchers. */
  #tail: number | undefined;
  #watchers = 0;
  #isClosed = false;

  constructor(repository: RelationalRepository) {
    this.#repository = repository;
  }

  /**
   * Assigns positions to unplaced events, and reads new events if this process has watchers. For a background task of
   * every instance: whichever instance comes first places an event.
   */
  async advance(call: Call): Promise<void> {
    if (await this.#repository.read(call).events.hasUnplaced()) {
      await sweepAll((limit) => this.#repository.transaction(call, ({ events }) => events.place(limit)));
    }
    if (this.#watchers === 0) {
      this.#tail = undefined;
      this.#newest = [];
    } else await this.#readNew(call);
  }

  /** Registers a watcher until the result is disposed. */
  join(): Disposable {
    this.#watchers += 1;
    return {
      [Symbol.dispose]: () => {
        this.#watchers -= 1;
      },
    };
  }

  /** The last assigned position. */
  head(call: Call): Promise<number> {
    return this.#repository.read(call).events.head();
  }

  /**
   * Some of the events after a position; empty if there are none yet.
   * @param known a position that is known to exist
   * @throws CURSOR_TOO_OLD if some of the events were purged; SHUTTING_DOWN if the feed is closed
   */
  async listAfter(call: Call, position: number, known: number): Promise<readonly PlacedEvent[]> {
    if (this.#isClosed) throw shuttingDown();
    if (this.#tail !== undefined && position >= this.#tail) return [];
    const first = this.#newest[0]?.position;
    if (first !== undefined && position + 1 >= first) return this.#newest.slice(position + 1 - first);
    const found = await this.#repository.read(call).events.listAfter(position, readAtOnce);
    if (!isGapless(found, position) || (found.length === 0 && position < known)) {
      throw new DomainError("CURSOR_TOO_OLD", "events after this cursor were purged; start a new watch");
    }
    return found;
  }

  /**
   * Waits until there may be events after a position, the timeout passes, the call is aborted, or the feed is closed.
   */
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

  /** Ends all watches before the process stops. Another instance continues from their cursors. */
  close(): void {
    this.#isClosed = true;
    this.#wakeAll();
  }

  async #readNew(call: Call): Promise<void> {
    const { events } = this.#repository.read(call);
    const before = this.#tail;
    this.#tail ??= await events.head();
    for (;;) {
      const found = await events.listAfter(this.#tail, readAtOnce);
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
