import { sql } from "slonik";
import type { MigrationStep } from "./migration-step.ts";

export const sharedSecrets: readonly MigrationStep[] = [
  {
    // What all instances on one database must share and none may compile in. Nothing here gives access to anything.
    id: "0004-shared-secrets/table",
    statement: sql.unsafe`
      create table if not exists shared_secrets (
        name text not null,
        secret bytea not null,
        create_time timestamptz(3) not null,
        constraint shared_secrets_pkey primary key (name)
      )
    `,
  },
];
