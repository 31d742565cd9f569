import { z } from "zod";
import { fromColumns } from "./from-columns.ts";

/** The table of leases, made with the ledger of migrations (migrate.ts), as the check of writes uses it. */
export const leasesTable = {
  /** Whether the last proof that writes work is young enough. */
  stateRow: fromColumns(z.object({ version: z.string(), readOnly: z.string(), proven: z.boolean() })),
  /** What kept a proof from being made. */
  proofRow: fromColumns(z.object({ lacksRights: z.boolean() })),
} as const;
