import { type FragmentSqlToken, sql } from "slonik";
import type { AuditEvent, NewEvent, Outcome, PlacedEvent } from "../../../domain/audit/event.ts";
import { plannedEachTime } from "../../../infrastructure/db/planned-each-time.ts";
import { eventsTable } from "../../../infrastructure/db/schema/events-table.ts";
import type { EventQuery, EventRepository } from "../event-repository.ts";
import { insertEvent, insertEvents } from "./insert-event.ts";
import type { Run } from "./run.ts";

/** Events in SQL. */
export class CockroachEvents implements EventRepository {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  async list(query: EventQuery): Promise<AuditEvent[]> {
    const rows = await this.#run((connection) =>
      connection.any(sql.type(eventsTable.row)`
        ${query.types.length > 1 ? listOfTypes(query) : listOf(query)}
        ${plannedEachTime}
      `),
    );
    return [...rows];
  }

  async head(): Promise<number> {
    const { position } = await this.#run((connection) =>
      connection.one(sql.type(eventsTable.headRow)`
        select position
        from event_heads
        where name = 'events'
      `),
    );
    return position;
  }

  async listAfter(position: number, limit: number): Promise<PlacedEvent[]> {
    const rows = await this.#run((connection) =>
      connection.any(sql.type(eventsTable.placedRow)`
        select
          ${eventsTable.columns},
          events.position
        from events
        where position > ${position}
          and position > 0
        order by position
        limit ${limit}
      `),
    );
    return [...rows];
  }

  async hasUnplaced(): Promise<boolean> {
    const { unplaced } = await this.#run((connection) =>
      connection.one(sql.type(eventsTable.unplacedRow)`
        select exists (
          select 1
          from events
          where position = 0
        )::bool as unplaced
      `),
    );
    return unplaced;
  }

  async add(...events: readonly NewEvent[]): Promise<void> {
    const inserts =
      events.length === 1
        ? events.map((event) => insertEvent(event))
        : insertEvents(events).map((insert) => sql.fragment`${insert} on conflict (id) do nothing`);
    for (const insert of inserts) await this.#run((connection) => connection.query(sql.unsafe`${insert}`));
  }

  async addNew(events: readonly NewEvent[]): Promise<void> {
    for (const insert of insertEvents(events)) {
      await this.#run((connection) => connection.query(sql.unsafe`${insert}`));
    }
  }

  async place(limit: number): Promise<number> {
    const head = await this.head();
    const { ids } = await this.#run((connection) =>
      connection.one(sql.type(eventsTable.idsRow)`
        select coalesce(jsonb_agg(id order by clock, id), '[]')::jsonb as ids
        from (
          select id, clock
          from events
          where position = 0
          order by clock, id
          limit ${limit}
        ) as unplaced
      `),
    );
    if (ids.length === 0) return 0;
    // First, so that of several concurrent runs all but one conflict here and are retried.
    await this.#run((connection) =>
      connection.query(sql.unsafe`
        update event_heads
        set position = ${head + ids.length}
        where name = 'events'
      `),
    );
    // A separate statement: with the limit in a subquery, PostgreSQL reads, and so locks, the whole table.
    await this.#run((connection) =>
      connection.query(sql.unsafe`
        update events
        set position = ${head}::int8 + placed.place
        from unnest(${sql.array(ids, "uuid")}) with ordinality as placed (id, place)
        where events.id = placed.id
      `),
    );
    return ids.length;
  }

  async sweep(limit: number): Promise<number> {
    const first = await this.#run((connection) =>
      connection.any(sql.type(eventsTable.oldRow)`
        select
          id,
          purge_time < now() as old
        from events
        where position > 0
        order by position
        limit ${limit}
      `),
    );
    // The remaining positions have no gaps, so an expired event behind one that has not expired waits for it.
    const young = first.findIndex(({ old }) => !old);
    const ids = first.slice(0, young < 0 ? undefined : young).map(({ id }) => id);
    if (ids.length === 0) return 0;
    const swept = await this.#run((connection) =>
      connection.any(sql.type(eventsTable.idRow)`
        delete from events
        where id = any(${sql.array(ids, "uuid")})
        returning id
      `),
    );
    return swept.length;
  }
}

function listOf(query: EventQuery): FragmentSqlToken {
  return sql.fragment`
    select ${eventsTable.columns}
    from events
    where ${sql.join(conditions(query), sql.fragment` and `)}
    order by create_time desc, id desc
    limit ${query.limit}`;
}

/** Merges the newest events of each type: an index has the events of one type in order, but not of several types. */
function listOfTypes(query: EventQuery): FragmentSqlToken {
  const lists = query.types.map((type) => sql.fragment`(${listOf({ ...query, types: [type] })})`);
  return sql.fragment`
    select ${eventsTable.columns}
    from (${sql.join(lists, sql.fragment` union all `)}) as events
    order by create_time desc, id desc
    limit ${query.limit}`;
}

function conditions(query: EventQuery): FragmentSqlToken[] {
  const { userId, types, outcome, caller, createdAfter, createdBefore, after } = withOneBound(query);
  const [type] = types;
  return [
    sql.fragment`true`,
    ...(userId === undefined ? [] : [sql.fragment`user_id = ${userId}`]),
    ...(type === undefined ? [] : [sql.fragment`type = ${type}`]),
    ...(outcome === undefined ? [] : [hasOutcome(outcome)]),
    ...(caller === undefined ? [] : [sql.fragment`caller = ${caller}`]),
    ...(createdAfter === undefined ? [] : [sql.fragment`create_time >= ${time(createdAfter)}`]),
    ...(createdBefore === undefined ? [] : [sql.fragment`create_time < ${time(createdBefore)}`]),
    ...(after === undefined
      ? []
      : [sql.fragment`(create_time, id) < (${time(after.createTime)}, ${after.id}::uuid)`]),
  ];
}

/**
 * Keeps only the tighter of the two starting points of a list: a time and a cursor. Given both, PostgreSQL may start at
 * the looser one and scan to the tighter one.
 */
function withOneBound(query: EventQuery): EventQuery {
  const { createdBefore, after } = query;
  if (createdBefore === undefined || after === undefined) return query;
  return after.createTime < createdBefore
    ? { ...query, createdBefore: undefined }
    : { ...query, after: undefined };
}

/**
 * A literal, not a parameter: otherwise the planner cannot tell that the partial index of unsuccessful events covers
 * the query.
 */
function hasOutcome(outcome: Outcome): FragmentSqlToken {
  switch (outcome) {
    case "success":
      return sql.fragment`outcome = 'success'`;
    case "failure":
      return sql.fragment`outcome = 'failure'`;
    case "refused":
      return sql.fragment`outcome = 'refused'`;
  }
}

function time(value: Date): FragmentSqlToken {
  return sql.fragment`${value.toISOString()}::timestamptz`;
}
