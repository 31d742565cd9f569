import { sql } from "slonik";
import type { MigrationStep } from "./migration-step.ts";

export const refusedRows: readonly MigrationStep[] = [
  {
    // What a batch of an import answered: which of its rows were refused, and why.
    id: "0011-refused-rows/column",
    statement: sql.unsafe`
      alter table requests add column if not exists refused_rows jsonb
    `,
  },
];
