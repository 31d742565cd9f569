import { sql } from "slonik";
import type { MigrationStep } from "./migration-step.ts";

export const credentials: readonly MigrationStep[] = [
  {
    id: "0002-credentials/table",
    statement: sql.unsafe`
      create table if not exists credentials (
        user_id uuid not null,
        password_hash text not null,
        create_time timestamptz(3) not null,
        update_time timestamptz(3) not null,
        constraint credentials_pkey primary key (user_id),
        constraint credentials_user_id_fkey foreign key (user_id) references users (id) on delete cascade
      )
    `,
  },
];
