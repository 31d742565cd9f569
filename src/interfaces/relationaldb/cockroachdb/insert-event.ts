import { type FragmentSqlToken, sql } from "slonik";
import type { NewEvent } from "../../../domain/audit/event.ts";

/** The parts of an event that only the statement knows: expressions over the rows of `from`. */
export interface EventSource {
  /** The operand of `from`, with at most one row. The event is added if it has one. */
  readonly from: FragmentSqlToken;
  readonly type?: FragmentSqlToken;
  readonly outcome?: FragmentSqlToken;
  readonly reason?: FragmentSqlToken;
  readonly userId?: FragmentSqlToken;
  readonly objectId?: FragmentSqlToken;
}

const columns = sql.fragment`
    id,
    position,
    clock,
    create_time,
    purge_time,
    type,
    outcome,
    reason,
    user_id,
    object_id,
    changed_fields,
    caller,
    address,
    client_address,
    request_id`;

/**
 * The time of an event: when its row is created, after the rows that the event is about were changed. The start time of
 * the statement or transaction could be before a wait for another transaction that changed the same rows, whose event
 * would then appear to be the later one.
 */
const clock = sql.fragment`(extract(epoch from clock_timestamp()) * 1000000)::int8`;

function times(keptForMs: FragmentSqlToken): FragmentSqlToken {
  return sql.fragment`
      ${clock},
      clock_timestamp(),
      clock_timestamp() + ${keptForMs} * interval '1 millisecond'`;
}

/**
 * Adds one event: as a statement, or as the body of a CTE in the statement that makes the recorded change, to save a
 * round trip. Does nothing if the id exists.
 */
export function insertEvent(event: NewEvent, source?: EventSource): FragmentSqlToken {
  return insertRows(eventRow(event, source));
}

/**
 * Adds an event, and another one that depends on the rows of `source`. One insert, because CockroachDB allows a
 * statement to insert into a table only once.
 */
export function insertEventAnd(event: NewEvent, other: NewEvent, source: EventSource): FragmentSqlToken {
  return insertRows(sql.fragment`${eventRow(event)} union all ${eventRow(other, source)}`);
}

function insertRows(rows: FragmentSqlToken): FragmentSqlToken {
  return sql.fragment`
    insert into events (${columns})
    ${rows}
    on conflict (id) do nothing
    returning id`;
}

function eventRow(event: NewEvent, source?: EventSource): FragmentSqlToken {
  return sql.fragment`
    select
      ${event.id}::uuid,
      0,
      ${times(sql.fragment`${event.keptForMs}::int8`)},
      ${source?.type ?? sql.fragment`${event.type}::text`},
      ${source?.outcome ?? sql.fragment`${event.outcome}::text`},
      ${source?.reason ?? sql.fragment`${event.reason ?? null}::text`},
      ${source?.userId ?? sql.fragment`${event.userId ?? null}::uuid`},
      ${source?.objectId ?? sql.fragment`${event.objectId}::text`},
      ${JSON.stringify(event.changedFields)}::jsonb,
      ${event.caller}::text,
      ${event.address}::text,
      ${event.clientAddress}::text,
      ${event.requestId}::text
    ${source === undefined ? sql.fragment`` : sql.fragment`from ${source.from}`}`;
}

/** Adds any number of events, with one statement per group of similar ones. Fails if an id exists. */
export function insertEvents(events: readonly NewEvent[]): FragmentSqlToken[] {
  return [...Map.groupBy(events, commonOf).values()].map(insertAlike);
}

/** The part of an event that the events of one call have in common, as text. */
function commonOf({ id: _, userId: __, objectId: ___, changedFields: ____, ...common }: NewEvent): string {
  return JSON.stringify(common);
}

function insertAlike(events: readonly NewEvent[]): FragmentSqlToken {
  const [first] = events as readonly [NewEvent, ...NewEvent[]];
  // A single parameter: pg's array encoding for each column costs the service five times as much.
  const rows = events.map(({ id, userId, objectId, changedFields }) => ({
    id,
    user_id: userId,
    object_id: objectId,
    changed_fields: changedFields,
  }));
  return sql.fragment`
    insert into events (${columns})
    select
      given.id,
      0,
      ${times(sql.fragment`${first.keptForMs}::int8`)},
      ${first.type}::text,
      ${first.outcome}::text,
      ${first.reason ?? null}::text,
      given.user_id,
      given.object_id,
      given.changed_fields,
      ${first.caller}::text,
      ${first.address}::text,
      ${first.clientAddress}::text,
      ${first.requestId}::text
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as given (
      id uuid,
      user_id uuid,
      object_id text,
      changed_fields jsonb
    )`;
}
