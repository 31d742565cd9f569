import { sql } from "slonik";
import { z } from "zod";
import type { SessionRow } from "../../../domain/session/session.ts";
import { fromColumns } from "./from-columns.ts";
import { usersTable } from "./users-table.ts";

const record = z.object({
  id: z.uuid(),
  userId: z.uuid(),
  audience: z.string(),
  clientId: z.string(),
  clientDisplayName: z.string(),
  clientUserAgent: z.string(),
  clientIpAddress: z.string(),
  state: z.enum(["live", "expired", "revoked"]),
  generation: z.int(),
  createTime: z.date(),
  refreshTime: z.date(),
  idleExpireTime: z.date(),
  expireTime: z.date(),
  endTime: z.date().optional(),
  endReason: z
    .enum(["revoked", "user-suspended", "user-deleted", "password-changed", "refresh-token-reused"])
    .optional(),
}) satisfies z.ZodType<SessionRow>;

/** By hand: a schema of tuples takes a microsecond for each, and introspection asks for hundreds at once. */
function areStatuses(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (status) =>
        Array.isArray(status) &&
        typeof status[0] === "string" &&
        typeof status[1] === "string" &&
        typeof status[2] === "boolean",
    )
  );
}

/** Neither ended nor expired. A session's idle limit is never later than its absolute one. */
const live = sql.fragment`(sessions.end_time is null and sessions.idle_expire_time > now())`;

const stored = sql.fragment`
    sessions.id,
    sessions.user_id,
    sessions.audience,
    sessions.client_id,
    sessions.client_display_name,
    sessions.client_user_agent,
    sessions.client_ip_address,
    sessions.generation,
    sessions.create_time,
    sessions.refresh_time,
    sessions.idle_expire_time,
    sessions.expire_time,
    sessions.end_time,
    sessions.end_reason`;

/**
 * The table of sessions: the select list that makes a row, with a `state` that is computed by the database's clock, and the
 * schemas of such rows. Made by migrations/0006-sessions.ts.
 */
export const sessionsTable = {
  row: fromColumns(record),
  rowAt: fromColumns(z.object({ ...record.shape, time: z.date() })),
  statusesRow: z.object({
    statuses: z.custom<readonly [id: string, userId: string, live: boolean][]>(areStatuses),
    revoked: z.array(z.string()),
    time: z.date(),
  }),
  idRow: fromColumns(z.object({ id: z.uuid() })),
  live,
  /** Of a user that may sign in. */
  userIsActive: sql.fragment`(users.delete_time is null and not ${usersTable.suspendedNow})`,
  stored,
  columns: sql.fragment`${stored},
    case
      when sessions.end_time is not null then 'revoked'
      when ${live} then 'live'
      else 'expired'
    end as state`,
} as const;
