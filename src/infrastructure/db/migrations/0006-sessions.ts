import { sql } from "slonik";
import { indexIsValid, type MigrationStep } from "./migration-step.ts";

export const sessions: readonly MigrationStep[] = [
  {
    // Stores neither a token nor anything to derive one from: a refresh token is derived from the session's ID and
    // generation under a key that is stored only wrapped.
    id: "0006-sessions/table",
    statement: sql.unsafe`
      create table if not exists sessions (
        id uuid not null,
        user_id uuid not null,
        audience text not null,
        client_id text not null,
        client_display_name text not null,
        client_user_agent text not null,
        client_ip_address text not null,
        generation int8 not null,
        create_time timestamptz(3) not null,
        refresh_time timestamptz(3) not null,
        idle_expire_time timestamptz(3) not null,
        expire_time timestamptz(3) not null,
        end_time timestamptz(3),
        end_reason text,
        purge_time timestamptz(3) not null,
        constraint sessions_pkey primary key (id),
        constraint sessions_user_id_fkey foreign key (user_id) references users (id) on delete cascade
      )
    `,
  },
  {
    // ListSessions, and ending all sessions of a user.
    id: "0006-sessions/user-id",
    statement: sql.unsafe`
      create index if not exists sessions_user_id_idx on sessions (user_id, create_time, id)
    `,
    verify: indexIsValid("sessions_user_id_idx"),
  },
  {
    // For the sweep of sessions that ended long ago.
    id: "0006-sessions/purge-time",
    statement: sql.unsafe`
      create index if not exists sessions_purge_time_idx on sessions (purge_time)
    `,
    verify: indexIsValid("sessions_purge_time_idx"),
  },
  {
    // CockroachDB deletes expired rows itself, where they are stored; the service's own sweep then finds nothing to
    // do.
    id: "0006-sessions/row-ttl",
    statement: sql.unsafe`
      alter table sessions set (ttl_expiration_expression = 'purge_time', ttl_job_cron = '@hourly')
    `,
    only: "cockroachdb",
  },
];
