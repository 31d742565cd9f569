import { type FragmentSqlToken, sql } from "slonik";
import { z } from "zod";
import type { SessionRow } from "../../../domain/session/session.ts";
import { fromColumns } from "./from-columns.ts";
import { usersTable } from "./users-table.ts";

const record = z.object({
  id: z.uuid(),
  userId: z.uuid(),
  caller: z.string(),
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

/** Hand-written: a schema of tuples takes a microsecond for each, and introspection requests hundreds at once. */
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

/** Neither ended individually nor expired. A session's idle limit is never later than its absolute limit. */
const unended = sql.fragment`(sessions.end_time is null and sessions.idle_expire_time > now())`;

/** The columns that are returned as stored. */
const plain = sql.fragment`
    sessions.id,
    sessions.user_id,
    sessions.caller,
    sessions.audience,
    sessions.client_id,
    sessions.client_display_name,
    sessions.client_user_agent,
    sessions.client_ip_address,
    sessions.generation,
    sessions.create_time,
    sessions.refresh_time,
    sessions.idle_expire_time,
    sessions.expire_time`;

const stored = sql.fragment`
    ${plain},
    sessions.epoch,
    sessions.repeats,
    sessions.end_time,
    sessions.end_reason`;

/**
 * The select list of sessions that may have ended at a given time and for a given reason. An expired session stays
 * expired.
 */
function columnsWith(endTime: FragmentSqlToken, endReason: FragmentSqlToken): FragmentSqlToken {
  const revoked = sql.fragment`(${endTime} <= sessions.idle_expire_time)`;
  return sql.fragment`
    ${plain},
    (case when ${revoked} then ${endTime} end)::timestamptz(3) as end_time,
    (case when ${revoked} then ${endReason} end)::text as end_reason,
    case
      when ${revoked} then 'revoked'
      when sessions.idle_expire_time > now() then 'live'
      else 'expired'
    end as state`;
}

/**
 * The table of sessions: the select list that makes a row, with a `state` computed by the database's clock, and the
 * schemas of such rows. Created by migrations/0006-sessions.ts, 0016-session-epochs.ts and 0017-session-callers.ts.
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
  unendedRow: fromColumns(z.object({ id: z.uuid(), live: z.boolean() })),
  endRow: fromColumns(
    z.object({ userId: z.uuid(), epoch: z.int(), endTime: z.date(), endReason: z.string() }),
  ),
  exceededRow: fromColumns(z.object({ exceeded: z.boolean() })),
  unended,
  /** Whether a session belongs to the current epoch of its user; the query must join `users`. */
  isOfEpoch: sql.fragment`sessions.epoch = users.session_epoch`,
  /** Whether the user may sign in; the query must join `users`. */
  userIsActive: sql.fragment`(users.delete_time is null and not ${usersTable.suspendedNow})`,
  stored,
  /** For sessions of their user's current epoch. */
  columns: columnsWith(sql.fragment`sessions.end_time`, sql.fragment`sessions.end_reason`),
  /** For any sessions; the query must include `withEnds`. */
  columnsWithEnds: columnsWith(
    sql.fragment`coalesce(sessions.end_time, session_ends.end_time)`,
    sql.fragment`coalesce(sessions.end_reason, session_ends.end_reason)`,
  ),
  withEnds: sql.fragment`left join session_ends
          on session_ends.user_id = sessions.user_id
          and session_ends.epoch = sessions.epoch`,
} as const;
