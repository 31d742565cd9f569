import { sql } from "slonik";
import { z } from "zod";
import type { Reason } from "../../../domain/errors.ts";
import type { RefusedRow } from "../../../domain/transfer/refused-row.ts";
import { fromColumns } from "./from-columns.ts";
import { usersTable } from "./users-table.ts";

/** Callers make it, so it is a UUID of any version and variant. */
const requestId = z.guid();

/** A row of an import that was refused. Its reason is one that the release which wrote it knew. */
const refusedRow = z.object({
  row: z.int(),
  reason: z.custom<Reason>((reason) => typeof reason === "string"),
  message: z.string(),
}) satisfies z.ZodType<RefusedRow>;

/**
 * The table of mutations by request id, each with a copy of what it answered. Made by migrations/0003-requests.ts and
 * 0011-refused-rows.ts.
 */
export const requestsTable = {
  row: fromColumns(
    z.object({
      id: requestId,
      fingerprint: z.string(),
      secretHash: z.string().optional(),
      result: usersTable.record.optional(),
      refusedRows: z.array(refusedRow).optional(),
    }),
  ),
  columns: sql.fragment`
    requests.id,
    requests.fingerprint,
    requests.secret_hash,
    requests.result,
    requests.refused_rows`,
  idRow: fromColumns(z.object({ id: requestId })),
} as const;
