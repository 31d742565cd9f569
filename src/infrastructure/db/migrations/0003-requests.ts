import { sql } from "slonik";
import { indexIsValid, type MigrationStep } from "./migration-step.ts";

export const requests: readonly MigrationStep[] = [
  {
    // A result is a copy of the user in the response, kept for the day that a request is remembered.
    id: "0003-requests/table",
    statement: sql.unsafe`
      create table if not exists requests (
        id uuid not null,
        fingerprint text not null,
        secret_hash text,
        result jsonb,
        create_time timestamptz(3) not null,
        constraint requests_pkey primary key (id)
      )
    `,
  },
  {
    // For the sweep of requests that no longer need to be remembered.
    id: "0003-requests/create-time",
    statement: sql.unsafe`
      create index if not exists requests_create_time_idx on requests (create_time)
    `,
    verify: indexIsValid("requests_create_time_idx"),
  },
];
