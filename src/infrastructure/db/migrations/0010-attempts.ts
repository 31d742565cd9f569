import { sql } from "slonik";
import { indexIsValid, type MigrationStep } from "./migration-step.ts";

export const attempts: readonly MigrationStep[] = [
  {
    // Failures in a row, of users and of names that nobody has, which are there only as keyed digests. No foreign key: a
    // name that nobody has is counted like any other. Users' rows are kept, because time must not forget their failures.
    id: "0010-attempts/accounts",
    statement: sql.unsafe`
      create table if not exists account_attempts (
        account text not null,
        attempt_id uuid not null,
        failures int8 not null,
        lock_end_time timestamptz(3) not null,
        forget_time timestamptz(3),
        constraint account_attempts_pkey primary key (account)
      )
    `,
  },
  {
    // The sweep.
    id: "0010-attempts/accounts-forget-time",
    statement: sql.unsafe`
      create index if not exists account_attempts_forget_time_idx
      on account_attempts (forget_time)
      where forget_time is not null
    `,
    verify: indexIsValid("account_attempts_forget_time_idx"),
  },
  {
    // Failures in a window.
    id: "0010-attempts/networks",
    statement: sql.unsafe`
      create table if not exists network_attempts (
        network text not null,
        attempt_id uuid not null,
        failures int8 not null,
        window_end_time timestamptz(3) not null,
        constraint network_attempts_pkey primary key (network)
      )
    `,
  },
  {
    // The sweep.
    id: "0010-attempts/networks-window-end-time",
    statement: sql.unsafe`
      create index if not exists network_attempts_window_end_time_idx on network_attempts (window_end_time)
    `,
    verify: indexIsValid("network_attempts_window_end_time_idx"),
  },
];
