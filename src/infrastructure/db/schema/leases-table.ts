import { z } from "zod";
import { fromColumns } from "./from-columns.ts";

/**
 * The table of leases as used by the check for writability. It is created together with the ledger of migrations
 * (migrate.ts).
 */
export const leasesTable = {
  /** Whether the last proof that writes work is recent enough. */
  stateRow: fromColumns(z.object({ version: z.string(), readOnly: z.string(), proven: z.boolean() })),
  /** What prevented a new proof. */
  proofRow: fromColumns(z.object({ lacksRights: z.boolean() })),
} as const;
