import { z } from "zod";
import { fromColumns } from "./from-columns.ts";

/** The table of devices, created by migrations/0014-devices.ts. */
export const devicesTable = {
  idRow: z.object({ id: z.uuid() }),
  keyRow: fromColumns(z.object({ userId: z.uuid(), digest: z.string() })),
  agedRow: fromColumns(z.object({ digest: z.string(), createTime: z.date() })),
  ownedRow: fromColumns(z.object({ id: z.uuid(), userId: z.uuid() })),
} as const;
