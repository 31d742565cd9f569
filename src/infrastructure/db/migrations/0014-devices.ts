import { sql } from "slonik";
import { indexIsValid, type MigrationStep } from "./migration-step.ts";

export const devices: readonly MigrationStep[] = [
  {
    // Devices on which users have signed in, each identified by its user and a digest of its token. A token is
    // invalid from its purge time on.
    id: "0014-devices/table",
    statement: sql.unsafe`
      create table if not exists devices (
        id uuid not null,
        user_id uuid not null,
        digest text not null,
        create_time timestamptz(3) not null,
        purge_time timestamptz(3) not null,
        constraint devices_pkey primary key (user_id, digest),
        constraint devices_user_id_fkey foreign key (user_id) references users (id) on delete cascade
      )
    `,
  },
  {
    // For the sweep.
    id: "0014-devices/purge-time",
    statement: sql.unsafe`
      create index if not exists devices_purge_time_idx on devices (purge_time)
    `,
    verify: indexIsValid("devices_purge_time_idx"),
  },
];
