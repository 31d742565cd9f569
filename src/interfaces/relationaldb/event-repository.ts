import type { AuditEvent, EventType, NewEvent, Outcome, PlacedEvent } from "../../domain/audit/event.ts";
import type { PageCursor } from "../../domain/page-tokens.ts";

export interface EventQuery {
  readonly userId: string | undefined;
  /** Events of any of these types; none means all. */
  readonly types: readonly EventType[];
  readonly outcome: Outcome | undefined;
  readonly caller: string | undefined;
  /** Events of this time or later. */
  readonly createdAfter: Date | undefined;
  /** Events before this time. */
  readonly createdBefore: Date | undefined;
  /** Only events that come later in the order: youngest first, then by id. */
  readonly after: PageCursor | undefined;
  /** At most so many events. */
  readonly limit: number;
}

/**
 * Reads what happened. An event is listed from the moment its transaction is committed. A moment later it gets its place,
 * by which nothing is ever missed: places are 1, 2, 3 and so on without gaps, whatever is placed later comes later, and the
 * events of one user are in the order of their effects.
 */
export interface EventReader {
  /** The first `limit` events of a query, youngest first. */
  list(query: EventQuery): Promise<AuditEvent[]>;

  /** The place of the last event that has one; 0 where none ever had. */
  head(): Promise<number>;

  /** The first `limit` events behind a place, in order. Where they were forgotten, those that come after them. */
  listBehind(position: number, limit: number): Promise<PlacedEvent[]>;

  /** Whether there are events that have no place yet. */
  areUnplaced(): Promise<boolean>;
}

/** Writes what happened, in the transaction in which it happens. */
export interface EventRepository extends EventReader {
  /**
   * Adds events of the time of this statement; one whose id there is already is left out. Called after the changes that
   * they tell of, so that of two transactions that change one user the later one has the later time.
   */
  add(...events: readonly NewEvent[]): Promise<void>;

  /**
   * The same for events whose ids were made in this transaction, so that none can be there: fails otherwise. PostgreSQL takes
   * less for each.
   */
  addNew(events: readonly NewEvent[]): Promise<void>;

  /** Gives the first `limit` events without a place theirs, by their time. Answers how many. Of several that do so at once, each event gets one place. */
  place(limit: number): Promise<number>;

  /** Forgets up to `limit` events whose time has come, from the first place on. Answers how many. */
  sweep(limit: number): Promise<number>;
}
