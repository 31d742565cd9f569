import type { EventQuery } from "../../interfaces/relationaldb/event-repository.ts";
import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import { type Call, ownerOf } from "../call.ts";
import { invalidField } from "../errors.ts";
import { type PageTokens, readPage } from "../page-tokens.ts";
import { sweepAll } from "../sweep.ts";
import type { AuditEvent, PlacedEvent } from "./event.ts";
import type { EventCursors } from "./event-cursors.ts";
import type { EventFeed } from "./event-feed.ts";

/** An event passes if it matches every criterion that is set. */
export type EventFilter = Pick<EventQuery, "userId" | "types" | "outcome" | "caller">;

export interface ListEvents extends Omit<EventQuery, "after" | "limit"> {
  /** 0 means the default. */
  readonly pageSize: number;
  /** Empty for the first page. */
  readonly pageToken: string;
}

export interface EventPage {
  readonly events: readonly AuditEvent[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

export interface WatchEvents extends EventFilter {
  /** Where to continue; empty to start with new events. */
  readonly cursor: string;
  /** After this time without an event, a message without an event is sent. */
  readonly heartbeatMs: number;
}

/** An event, or a heartbeat. All events up to the cursor that pass the filter have been delivered. */
export interface WatchedEvent {
  readonly event: PlacedEvent | undefined;
  readonly cursor: string;
}

/** Lists and watches audit events. */
export class EventService {
  readonly #repository: RelationalRepository;
  readonly #feed: EventFeed;
  readonly #pageTokens: PageTokens;
  readonly #cursors: EventCursors;
  readonly #monotonicMs: () => number;

  constructor(dependencies: {
    repository: RelationalRepository;
    feed: EventFeed;
    pageTokens: PageTokens;
    cursors: EventCursors;
    /** Milliseconds of a monotonic clock. */
    monotonicMs: () => number;
  }) {
    this.#repository = dependencies.repository;
    this.#feed = dependencies.feed;
    this.#pageTokens = dependencies.pageTokens;
    this.#cursors = dependencies.cursors;
    this.#monotonicMs = dependencies.monotonicMs;
  }

  /** @throws PAGE_TOKEN_INVALID */
  async list(call: Call, { pageSize, pageToken, ...asked }: ListEvents): Promise<EventPage> {
    const query = canonical(asked);
    const { createdAfter, createdBefore } = asked;
    const scope = JSON.stringify(["events", ...Object.values(query), createdAfter, createdBefore]);
    const { items, nextPageToken } = await readPage(
      call,
      this.#pageTokens,
      { pageSize, pageToken, scope, boundTo: "filter" },
      (after, limit) =>
        this.#repository.read(call).events.list({ ...query, createdAfter, createdBefore, after, limit }),
    );
    return { events: items, nextPageToken };
  }

  /**
   * The events after a cursor that pass a filter, in order, as they occur; none is missed or repeated. The first answer
   * comes immediately, so that the watcher has a cursor to resume from.
   * @throws CURSOR_INVALID, CURSOR_TOO_OLD, SHUTTING_DOWN
   */
  async *watch(call: Call, { cursor, heartbeatMs, ...asked }: WatchEvents): AsyncGenerator<WatchedEvent> {
    const filter = canonical(asked);
    const scope = JSON.stringify([ownerOf(call), ...Object.values(filter)]);
    using _ = this.#feed.join();
    const head = await this.#feed.head(call);
    let position = cursor === "" ? head : this.#open(cursor, scope, head);
    let sentAt = Number.NEGATIVE_INFINITY;
    const say = (event?: PlacedEvent): WatchedEvent => {
      sentAt = this.#monotonicMs();
      return { event, cursor: this.#cursors.seal(position, scope) };
    };
    for (;;) {
      call.signal.throwIfAborted();
      const events = await this.#feed.listAfter(call, position, head);
      for (const event of events) {
        position = event.position;
        if (passes(event, filter)) yield say(event);
      }
      const quietForMs = this.#monotonicMs() - sentAt;
      if (quietForMs >= heartbeatMs) yield say();
      else if (events.length === 0) await this.#feed.wait(call, position, heartbeatMs - quietForMs);
    }
  }

  /** Places new events and delivers them to watchers. For a background task. */
  advance(call: Call): Promise<void> {
    return this.#feed.advance(call);
  }

  /** Purges old events in small steps. For a background task. */
  async forgetOld(call: Call): Promise<void> {
    await sweepAll((limit) => this.#repository.transaction(call, ({ events }) => events.sweep(limit)));
  }

  /** Ends all watches with SHUTTING_DOWN. */
  close(): void {
    this.#feed.close();
  }

  #open(cursor: string, scope: string, head: number): number {
    const position = this.#cursors.open(cursor, scope);
    // A database that was restored to an earlier time assigns positions again that it had assigned after that time.
    if (position === undefined || position > head) {
      throw invalidField(
        "CURSOR_INVALID",
        "cursor",
        "must be a cursor that this service issued to this caller for the same filter",
      );
    }
    return position;
  }
}

/** Normalises a filter: the order and duplicates of types and the case of the user id do not matter. */
function canonical({ userId, types, outcome, caller }: EventFilter): EventFilter {
  return { userId: userId?.toLowerCase(), types: [...new Set(types)].sort(), outcome, caller };
}

function passes(event: AuditEvent, { userId, types, outcome, caller }: EventFilter): boolean {
  return (
    (userId === undefined || event.userId === userId) &&
    (types.length === 0 || types.includes(event.type)) &&
    (outcome === undefined || event.outcome === outcome) &&
    (caller === undefined || event.caller === caller)
  );
}
