import { sql } from "slonik";
import { indexIsValid, type MigrationStep } from "./migration-step.ts";

export const events: readonly MigrationStep[] = [
  {
    // Events outlive their users, so there is no foreign key. `clock` is the time in microseconds and orders events
    // of the same millisecond. `position` is 0, not null, until it is assigned: nulls sort first on one server and
    // last on the other.
    id: "0009-events/table",
    statement: sql.unsafe`
      create table if not exists events (
        id uuid not null,
        position int8 not null,
        clock int8 not null,
        create_time timestamptz(3) not null,
        purge_time timestamptz(3) not null,
        type text not null,
        outcome text not null,
        reason text,
        user_id uuid,
        object_id text not null,
        changed_fields jsonb not null,
        caller text not null,
        address text not null,
        client_address text not null,
        request_id text not null,
        constraint events_pkey primary key (id),
        constraint events_outcome_check check (outcome in ('success', 'failure', 'refused'))
      )
    `,
  },
  {
    // Reading on from a position, and the sweep. Unique, so that no position is assigned twice.
    id: "0009-events/position",
    statement: sql.unsafe`
      create unique index if not exists events_position_unique on events (position) where position > 0
    `,
    verify: indexIsValid("events_position_unique"),
  },
  {
    // Events that wait for a position: usually almost none.
    id: "0009-events/unplaced",
    statement: sql.unsafe`
      create index if not exists events_unplaced_idx on events (clock, id) where position = 0
    `,
    verify: indexIsValid("events_unplaced_idx"),
  },
  {
    // ListEvents without a filter, or by time.
    id: "0009-events/create-time",
    statement: sql.unsafe`
      create index if not exists events_create_time_idx on events (create_time, id)
    `,
    verify: indexIsValid("events_create_time_idx"),
  },
  {
    // ListEvents by user.
    id: "0009-events/user-id",
    statement: sql.unsafe`
      create index if not exists events_user_id_idx on events (user_id, create_time, id)
    `,
    verify: indexIsValid("events_user_id_idx"),
  },
  {
    // ListEvents by type.
    id: "0009-events/type",
    statement: sql.unsafe`
      create index if not exists events_type_idx on events (type, create_time, id)
    `,
    verify: indexIsValid("events_type_idx"),
  },
  {
    // ListEvents by caller.
    id: "0009-events/caller",
    statement: sql.unsafe`
      create index if not exists events_caller_idx on events (caller, create_time, id)
    `,
    verify: indexIsValid("events_caller_idx"),
  },
  {
    // ListEvents of failures and refusals: few, unless the service is under attack.
    id: "0009-events/outcome",
    statement: sql.unsafe`
      create index if not exists events_outcome_idx on events (outcome, create_time, id) where outcome <> 'success'
    `,
    verify: indexIsValid("events_outcome_idx"),
  },
  {
    // CockroachDB deletes expired rows itself, where they are stored; the service's own sweep then finds nothing to
    // do.
    id: "0009-events/row-ttl",
    statement: sql.unsafe`
      alter table events set (ttl_expiration_expression = 'purge_time', ttl_job_cron = '@hourly')
    `,
    only: "cockroachdb",
  },
  {
    // The last assigned position: events are deleted, but their positions are never assigned again.
    id: "0009-events/head",
    statement: sql.unsafe`
      create table if not exists event_heads (
        name text not null,
        position int8 not null,
        constraint event_heads_pkey primary key (name)
      )
    `,
  },
  {
    id: "0009-events/first-head",
    statement: sql.unsafe`
      insert into event_heads (name, position) values ('events', 0) on conflict (name) do nothing
    `,
  },
];
