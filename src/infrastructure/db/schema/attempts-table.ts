import { z } from "zod";
import { fromColumns } from "./from-columns.ts";
import { usersTable } from "./users-table.ts";

/** The tables of attempts, created by migrations/0010-attempts.ts. */
export const attemptsTable = {
  /** A verdict with the user that it applies to, if there is one. */
  verdictRow: fromColumns(
    z.object({
      ...usersTable.record.partial().shape,
      passwordHash: z.string().optional(),
      account: z.string(),
      allowed: z.boolean(),
      capped: z.boolean(),
      lockLeftMs: z.int(),
      windowLeftMs: z.int(),
    }),
  ),
  accountRow: z.object({ account: z.string() }),
  networkRow: z.object({ network: z.string() }),
} as const;
