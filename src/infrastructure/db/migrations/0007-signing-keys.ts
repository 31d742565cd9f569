import { sql } from "slonik";
import type { MigrationStep } from "./migration-step.ts";

export const signingKeys: readonly MigrationStep[] = [
  {
    // Only a few rows. If several instances create the next key at the same time, the unique sequence lets one
    // succeed.
    id: "0007-signing-keys/table",
    statement: sql.unsafe`
      create table if not exists signing_keys (
        id uuid not null,
        sequence int8 not null,
        algorithm text not null,
        public_jwk jsonb not null,
        wrapped_private_key bytea not null,
        create_time timestamptz(3) not null,
        activate_time timestamptz(3) not null,
        constraint signing_keys_pkey primary key (id),
        constraint signing_keys_sequence_unique unique (sequence)
      )
    `,
  },
  {
    // Secrets used to be stored in plain text. From here on each is stored wrapped, under the same name with the
    // suffix ":wrapped".
    id: "0007-signing-keys/no-plain-secrets",
    statement: sql.unsafe`
      delete from shared_secrets where name = 'page-tokens'
    `,
  },
];
