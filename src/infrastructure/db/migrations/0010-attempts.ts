import { sql } from "slonik";
import { indexIsValid, type MigrationStep } from "./migration-step.ts";

export const attempts: readonly MigrationStep[] = [
  {
    // Consecutive failures, both of users and of unknown names, which are stored only as keyed digests. No foreign
    // key, because an unknown name is counted like any other. Users' rows are kept, because their failures must not
    // be forgotten over time.
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
    // For the sweep.
    id: "0010-attempts/accounts-forget-time",
    statement: sql.unsafe`
      create index if not exists account_attempts_forget_time_idx
      on account_attempts (forget_time)
      where forget_time is not null
    `,
    verify: indexIsValid("account_attempts_forget_time_idx"),
  },
  {
    // Failures within a time window, by network.
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
    // For the sweep.
    id: "0010-attempts/networks-window-end-time",
    statement: sql.unsafe`
      create index if not exists network_attempts_window_end_time_idx on network_attempts (window_end_time)
    `,
    verify: indexIsValid("network_attempts_window_end_time_idx"),
  },
];
