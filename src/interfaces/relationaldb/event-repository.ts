import type { AuditEvent, EventType, NewEvent, Outcome, PlacedEvent } from "../../domain/audit/event.ts";
import type { PageCursor } from "../../domain/page-tokens.ts";

export interface EventQuery {
  readonly userId: string | undefined;
  /** Events of any of these types; empty for all. */
  readonly types: readonly EventType[];
  readonly outcome: Outcome | undefined;
  readonly caller: string | undefined;
  /** Events at or after this time. */
  readonly createdAfter: Date | undefined;
  /** Events before this time. */
  readonly createdBefore: Date | undefined;
  /** Only events after this position, in the order: newest first, then by id. */
  readonly after: PageCursor | undefined;
  /** Maximum number of events. */
  readonly limit: number;
}

/**
 * Reads audit events. An event is listed as soon as its transaction is committed. Shortly after, it is assigned a
 * position, so that readers miss nothing: positions are 1, 2, 3 and so on without gaps, an event that is placed later
 * has a higher position, and the events of one user are in the order of their effects.
 */
export interface EventReader {
  /** The first `limit` events of a query, newest first. */
  list(query: EventQuery): Promise<AuditEvent[]>;

  /** The position of the last placed event; 0 if none was ever placed. */
  head(): Promise<number>;

  /** The first `limit` events after a position, in order. Purged events are skipped. */
  listAfter(position: number, limit: number): Promise<PlacedEvent[]>;

  /** Whether there are events without a position. */
  hasUnplaced(): Promise<boolean>;
}

/** Writes audit events, in the transaction of the change that they record. */
export interface EventRepository extends EventReader {
  /**
   * Adds events with the time of this statement. An event whose id exists is left out. Call it after the recorded
   * changes, so that of two transactions that change the same user the later one has the later time.
   */
  add(...events: readonly NewEvent[]): Promise<void>;

  /**
   * Adds events whose ids were created in this transaction; fails if an id exists. Costs PostgreSQL less per event than
   * `add`.
   */
  addNew(events: readonly NewEvent[]): Promise<void>;

  /**
   * Assigns positions to the first `limit` unplaced events, by time. Returns how many. If several instances do so
   * concurrently, each event gets one position.
   */
  place(limit: number): Promise<number>;

  /** Deletes up to `limit` expired events, from the first position on. Returns how many. */
  sweep(limit: number): Promise<number>;
}
