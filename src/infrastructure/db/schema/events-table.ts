import { sql } from "slonik";
import { z } from "zod";
import type { AuditEvent, EventType, PlacedEvent } from "../../../domain/audit/event.ts";
import { fromColumns } from "./from-columns.ts";

const record = z.object({
  id: z.uuid(),
  createTime: z.date(),
  // Any string: during a rolling update, a release may read types that only the other release writes.
  type: z.custom<EventType>((value) => typeof value === "string"),
  outcome: z.enum(["success", "failure", "refused"]),
  reason: z.string().optional(),
  userId: z.guid().optional(),
  objectId: z.string(),
  changedFields: z.array(z.string()),
  caller: z.string(),
  address: z.string(),
  clientAddress: z.string(),
  requestId: z.string(),
}) satisfies z.ZodType<AuditEvent>;

const placedRecord = record.extend({ position: z.int() }) satisfies z.ZodType<PlacedEvent>;

const columns = sql.fragment`
    events.id,
    events.create_time,
    events.type,
    events.outcome,
    events.reason,
    events.user_id,
    events.object_id,
    events.changed_fields,
    events.caller,
    events.address,
    events.client_address,
    events.request_id`;

/** The tables of events and of the last assigned position, created by migrations/0009-events.ts. */
export const eventsTable = {
  row: fromColumns(record),
  placedRow: fromColumns(placedRecord),
  idRow: fromColumns(z.object({ id: z.uuid() })),
  idsRow: z.object({ ids: z.array(z.string()) }),
  headRow: z.object({ position: z.int() }),
  unplacedRow: z.object({ unplaced: z.boolean() }),
  oldRow: fromColumns(z.object({ id: z.uuid(), old: z.boolean() })),
  columns,
} as const;
