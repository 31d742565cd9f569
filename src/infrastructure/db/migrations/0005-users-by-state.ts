import { sql } from "slonik";
import { indexIsValid, type MigrationStep } from "./migration-step.ts";

/** Both indexes hold few users, and are only written when a user enters or leaves the state. */
export const usersByState: readonly MigrationStep[] = [
  {
    // ListUsers of suspended users, by ID.
    id: "0005-users-by-state/suspended-id",
    statement: sql.unsafe`
      create index if not exists users_suspended_id_idx on users (id) where suspend_time is not null
    `,
    verify: indexIsValid("users_suspended_id_idx"),
  },
  {
    // ListUsers of deleted users, by ID.
    id: "0005-users-by-state/deleted-id",
    statement: sql.unsafe`
      create index if not exists users_deleted_id_idx on users (id) where delete_time is not null
    `,
    verify: indexIsValid("users_deleted_id_idx"),
  },
];
