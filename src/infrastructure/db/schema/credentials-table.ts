import { sql } from "slonik";
import { z } from "zod";
import { fromColumns } from "./from-columns.ts";
import { usersTable } from "./users-table.ts";

/** The table of credentials, at most one for each user, created by migrations/0002-credentials.ts. */
export const credentialsTable = {
  /** A user's row, joined with the password hash if there is one. */
  rowWithUser: fromColumns(z.object({ ...usersTable.record.shape, passwordHash: z.string().optional() })),
  hashRow: fromColumns(z.object({ userId: z.uuid(), passwordHash: z.string() })),
  replacedRow: fromColumns(z.object({ userId: z.uuid() })),
  columns: sql.fragment`credentials.password_hash`,
} as const;
