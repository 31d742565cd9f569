import { sql } from "slonik";
import type { MigrationStep } from "./migration-step.ts";

export const sharedSecrets: readonly MigrationStep[] = [
  {
    // Secrets that all instances on one database share and that cannot be compiled in. None of them grants access to
    // anything.
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
