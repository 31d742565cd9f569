import { type FragmentSqlToken, sql } from "slonik";
import type { NewEvent } from "../../../domain/audit/event.ts";

/** What of an event only the statement knows: expressions over the rows of `from`. */
export interface EventSource {
  /** What follows `from`: an event is added where this has a row, and it has one at most. */
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
 * The time of an event: of the moment at which its row is made, which is after the rows that the event tells of were
 * changed. The time at which a statement or its transaction began may be from before a wait for another transaction that
 * changed the same rows, whose event would then seem to be the later one.
 */
const clock = sql.fragment`(extract(epoch from clock_timestamp()) * 1000000)::int8`;

function times(keptForMs: FragmentSqlToken): FragmentSqlToken {
  return sql.fragment`
      ${clock},
      clock_timestamp(),
      clock_timestamp() + ${keptForMs} * interval '1 millisecond'`;
}

/**
 * Adds one event: a whole statement, or the body of a CTE of the statement that does what the event tells of, so that they
 * are one round trip. An event whose id there is already changes nothing.
 */
export function insertEvent(event: NewEvent, source?: EventSource): FragmentSqlToken {
  return insertRows(eventRow(event, source));
}

/** The same for an event and another one that depends on the rows of `source`: CockroachDB lets a statement insert into a table once. */
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

/** Adds any number of events by one statement for those that are alike. It fails if an id is already there. */
export function insertEvents(events: readonly NewEvent[]): FragmentSqlToken[] {
  return [...Map.groupBy(events, commonOf).values()].map(insertAlike);
}

/** All of an event in which those of one call do not differ, as a text. */
function commonOf({ id: _, userId: __, objectId: ___, changedFields: ____, ...common }: NewEvent): string {
  return JSON.stringify(common);
}

function insertAlike(events: readonly NewEvent[]): FragmentSqlToken {
  const [first] = events as readonly [NewEvent, ...NewEvent[]];
  // One parameter: pg's encoding of an array for each column costs the service five times as much.
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
