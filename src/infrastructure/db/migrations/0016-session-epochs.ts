import { sql } from "slonik";
import { indexIsValid, type MigrationStep } from "./migration-step.ts";

export const sessionEpochs: readonly MigrationStep[] = [
  {
    // Counts how often all sessions of the user were ended. A session is valid only in the epoch in which it began.
    id: "0016-session-epochs/users",
    statement: sql.unsafe`
      alter table users add column if not exists session_epoch int8 not null default 0
    `,
  },
  {
    id: "0016-session-epochs/sessions",
    statement: sql.unsafe`
      alter table sessions add column if not exists epoch int8 not null default 0
    `,
  },
  {
    // When and why the sessions of an epoch ended, until the background task has copied that into each of them.
    id: "0016-session-epochs/ends",
    statement: sql.unsafe`
      create table if not exists session_ends (
        user_id uuid not null,
        epoch int8 not null,
        end_time timestamptz(3) not null,
        end_reason text not null,
        constraint session_ends_pkey primary key (user_id, epoch),
        constraint session_ends_user_id_fkey foreign key (user_id) references users (id) on delete cascade
      )
    `,
  },
  {
    // ListSessions of live sessions, the limit on a user's sessions, and the background task.
    id: "0016-session-epochs/unended",
    statement: sql.unsafe`
      create index if not exists sessions_unended_idx on sessions (user_id, epoch, create_time, id)
      where end_time is null
    `,
    verify: indexIsValid("sessions_unended_idx"),
  },
];
