import type { EventQuery } from "../../interfaces/relationaldb/event-repository.ts";
import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import { type Call, ownerOf } from "../call.ts";
import { invalidField } from "../errors.ts";
import { type PageTokens, readPage } from "../page-tokens.ts";
import { sweepAll } from "../sweep.ts";
import type { AuditEvent, PlacedEvent } from "./event.ts";
import type { EventCursors } from "./event-cursors.ts";
import type { EventFeed } from "./event-feed.ts";

/** Which events: those that all that is said is true of. */
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
  /** Where to go on; empty for what happens from now on. */
  readonly cursor: string;
  /** After so long without an event there is an answer without one. */
  readonly heartbeatMs: number;
}

/** An event, or a sign of life. All that passes the filter up to the cursor has been answered. */
export interface WatchedEvent {
  readonly event: PlacedEvent | undefined;
  readonly cursor: string;
}

/** Tells what happened. */
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
    /** Milliseconds of a clock that only goes on. */
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
   * The events that pass a filter, in their order, from a cursor on and as they come: nothing is missed and nothing comes
   * twice. The first answer comes at once, so that there is a cursor to come back with.
   * @throws CURSOR_INVALID, CURSOR_TOO_OLD, SHUTTING_DOWN
   */
  async *watch(call: Call, { cursor, heartbeatMs, ...asked }: WatchEvents): AsyncGenerator<WatchedEvent> {
    const filter = canonical(asked);
    const scope = JSON.stringify([ownerOf(call), ...Object.values(filter)]);
    using _ = this.#feed.join();
    const head = await this.#feed.head(call);
    let position = cursor === "" ? head : this.#open(cursor, scope, head);
    let saidAt = Number.NEGATIVE_INFINITY;
    const say = (event?: PlacedEvent): WatchedEvent => {
      saidAt = this.#monotonicMs();
      return { event, cursor: this.#cursors.seal(position, scope) };
    };
    for (;;) {
      call.signal.throwIfAborted();
      const events = await this.#feed.listBehind(call, position, head);
      for (const event of events) {
        position = event.position;
        if (passes(event, filter)) yield say(event);
      }
      const quietForMs = this.#monotonicMs() - saidAt;
      if (quietForMs >= heartbeatMs) yield say();
      else if (events.length === 0) await this.#feed.wait(call, position, heartbeatMs - quietForMs);
    }
  }

  /** Places new events and hands them to those who watch. For a task in the background. */
  advance(call: Call): Promise<void> {
    return this.#feed.advance(call);
  }

  /** Forgets what happened long ago, in small steps. For a task in the background. */
  async forgetOld(call: Call): Promise<void> {
    await sweepAll((limit) => this.#repository.transaction(call, ({ events }) => events.sweep(limit)));
  }

  /** Ends all watches with SHUTTING_DOWN. */
  close(): void {
    this.#feed.close();
  }

  #open(cursor: string, scope: string, head: number): number {
    const position = this.#cursors.open(cursor, scope);
    // A database that was put back to an earlier time has given places since that it will give again.
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

/** A filter in one form, whatever the order and the case in which it was said. */
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
