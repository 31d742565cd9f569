import { sql } from "slonik";
import type { MigrationStep } from "./migration-step.ts";

export const keyCreators: readonly MigrationStep[] = [
  {
    // The caller that created a key. Null for keys that are older than this column: their creators are unknown.
    id: "0015-key-creators/column",
    statement: sql.unsafe`
      alter table service_account_keys add column if not exists creator text
    `,
  },
];
