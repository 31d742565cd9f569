import { sql } from "slonik";
import { indexIsValid, type MigrationStep } from "./migration-step.ts";

export const users: readonly MigrationStep[] = [
  {
    id: "0001-users/table",
    statement: sql.unsafe`
      create table if not exists users (
        id uuid not null,
        email text,
        email_key text,
        username text,
        username_key text,
        display_name text not null,
        attributes jsonb not null,
        suspend_reason text,
        suspend_time timestamptz(3),
        suspend_until_time timestamptz(3),
        create_time timestamptz(3) not null,
        update_time timestamptz(3) not null,
        delete_time timestamptz(3),
        version int8 not null,
        constraint users_pkey primary key (id),
        constraint users_identified check (email_key is not null or username_key is not null),
        constraint users_email_with_key check ((email is null) = (email_key is null)),
        constraint users_username_with_key check ((username is null) = (username_key is null)),
        constraint users_suspension_with_reason check ((suspend_time is null) = (suspend_reason is null))
      )
    `,
  },
  {
    // LookupUser, BatchGetUsers and VerifyPassword by email; ListUsers by email prefix; an email has one user.
    id: "0001-users/email-key-unique",
    statement: sql.unsafe`
      create unique index if not exists users_email_key_unique on users (email_key)
    `,
    verify: indexIsValid("users_email_key_unique"),
  },
  {
    // LookupUser, BatchGetUsers and VerifyPassword by username; a username has one user.
    id: "0001-users/username-key-unique",
    statement: sql.unsafe`
      create unique index if not exists users_username_key_unique on users (username_key)
    `,
    verify: indexIsValid("users_username_key_unique"),
  },
  {
    // ListUsers by creation time. IDs are random, so only this index grows at its end. On CockroachDB that is one hot
    // range, at the rate at which users are created.
    id: "0001-users/create-time",
    statement: sql.unsafe`
      create index if not exists users_create_time_idx on users (create_time, id)
    `,
    verify: indexIsValid("users_create_time_idx"),
  },
  {
    // ListUsers of suspended users, which are few.
    id: "0001-users/suspended",
    statement: sql.unsafe`
      create index if not exists users_suspended_idx on users (create_time, id) where suspend_time is not null
    `,
    verify: indexIsValid("users_suspended_idx"),
  },
  {
    // ListUsers of deleted users.
    id: "0001-users/deleted",
    statement: sql.unsafe`
      create index if not exists users_deleted_idx on users (create_time, id) where delete_time is not null
    `,
    verify: indexIsValid("users_deleted_idx"),
  },
];
