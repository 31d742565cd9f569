import { sql } from "slonik";
import { z } from "zod";
import { fromColumns } from "./from-columns.ts";
import { usersTable } from "./users-table.ts";

/** Callers choose it, so it may be a UUID of any version and variant. */
const requestId = z.guid();

/** The table of mutations by request ID, each with a copy of its result, created by migrations/0003-requests.ts. */
export const requestsTable = {
  row: fromColumns(
    z.object({
      id: requestId,
      fingerprint: z.string(),
      secretHash: z.string().optional(),
      result: usersTable.record.optional(),
    }),
  ),
  columns: sql.fragment`
    requests.id,
    requests.fingerprint,
    requests.secret_hash,
    requests.result`,
  idRow: fromColumns(z.object({ id: requestId })),
} as const;
