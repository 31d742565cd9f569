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

/** Neither ended by itself nor expired. A session's idle limit is never later than its absolute one. */
const unended = sql.fragment`(sessions.end_time is null and sessions.idle_expire_time > now())`;

/** The columns that are answered as they are. */
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

/** The select list of sessions that ended, if they did, at a time and for a reason. An expired session stays expired. */
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
 * The table of sessions: the select list that makes a row, with a `state` that is computed by the database's clock, and the
 * schemas of such rows. Made by migrations/0006-sessions.ts, 0016-session-epochs.ts and 0017-session-callers.ts.
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
  /** Whether a session is of the epoch of its user, beside which it is read. */
  isOfEpoch: sql.fragment`sessions.epoch = users.session_epoch`,
  /** Of a user that may sign in. */
  userIsActive: sql.fragment`(users.delete_time is null and not ${usersTable.suspendedNow})`,
  stored,
  /** Of sessions that are of their user's epoch. */
  columns: columnsWith(sql.fragment`sessions.end_time`, sql.fragment`sessions.end_reason`),
  /** Of any sessions, beside the end of their epoch. */
  columnsWithEnds: columnsWith(
    sql.fragment`coalesce(sessions.end_time, session_ends.end_time)`,
    sql.fragment`coalesce(sessions.end_reason, session_ends.end_reason)`,
  ),
  withEnds: sql.fragment`left join session_ends
          on session_ends.user_id = sessions.user_id
          and session_ends.epoch = sessions.epoch`,
} as const;
