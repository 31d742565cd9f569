import { sql } from "slonik";
import { z } from "zod";
import { fromColumns } from "./from-columns.ts";
import { usersTable } from "./users-table.ts";

/** The table of mutations by request id, each with a copy of what it answered. Made by migrations/0003-requests.ts. */
export const requestsTable = {
  row: fromColumns(
    z.object({
      id: z.uuid(),
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
  idRow: fromColumns(z.object({ id: z.uuid() })),
} as const;
