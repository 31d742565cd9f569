import { sql } from "slonik";
import type { MigrationStep } from "./migration-step.ts";

export const importDigests: readonly MigrationStep[] = [
  {
    // A keyed digest of the import and of the row that created the user. Null if the user was not imported.
    id: "0011-import-digests/column",
    statement: sql.unsafe`
      alter table users add column if not exists import_digest text
    `,
  },
];
