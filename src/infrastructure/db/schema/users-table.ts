import { sql } from "slonik";
import { z } from "zod";
import type { UserRow } from "../../../domain/user/user.ts";
import { fromColumns } from "./from-columns.ts";

/** A user's record. Times may be text, as in a record that was stored as JSON. */
const record = z.object({
  id: z.uuid(),
  email: z.string().optional(),
  emailKey: z.string().optional(),
  username: z.string().optional(),
  usernameKey: z.string().optional(),
  displayName: z.string(),
  attributes: z.record(z.string(), z.string()),
  state: z.enum(["active", "suspended", "deleted"]),
  suspendReason: z.string().optional(),
  suspendTime: z.coerce.date().optional(),
  suspendUntilTime: z.coerce.date().optional(),
  createTime: z.coerce.date(),
  updateTime: z.coerce.date(),
  deleteTime: z.coerce.date().optional(),
  version: z.int(),
}) satisfies z.ZodType<UserRow>;

const suspendedNow = sql.fragment`(
  users.suspend_time is not null
  and (users.suspend_until_time is null or users.suspend_until_time > now())
)`;

/**
 * The table of users: the select list that makes a row, with a `state` computed by the database's clock, the schema
 * of such a row, and the names of the constraints. Created by migrations/0001-users.ts.
 */
export const usersTable = {
  record,
  row: fromColumns(record),
  idRow: z.object({ id: z.uuid() }),
  idsRow: z.object({ ids: z.array(z.string()) }),
  importRow: fromColumns(z.object({ id: z.uuid(), importDigest: z.string() })),
  suspendedNow,
  columns: sql.fragment`
    users.id,
    users.email,
    users.email_key,
    users.username,
    users.username_key,
    users.display_name,
    users.attributes,
    case
      when users.delete_time is not null then 'deleted'
      when ${suspendedNow} then 'suspended'
      else 'active'
    end as state,
    users.suspend_reason,
    users.suspend_time,
    users.suspend_until_time,
    users.create_time,
    users.update_time,
    users.delete_time,
    users.version`,
  constraints: {
    emailKey: "users_email_key_unique",
    usernameKey: "users_username_key_unique",
  },
} as const;
