import { type FragmentSqlToken, sql } from "slonik";
import type { NewUser } from "../../../domain/user/user.ts";

/** The columns of the rows to insert, and their types. */
const given = [
  ["id", "uuid"],
  ["email", "text"],
  ["email_key", "text"],
  ["username", "text"],
  ["username_key", "text"],
  ["display_name", "text"],
  ["attributes", "text"],
  ["suspend_reason", "text"],
  ["suspend_time", "timestamptz"],
  ["suspend_until_time", "timestamptz"],
  ["create_time", "timestamptz"],
  ["delete_time", "timestamptz"],
  ["import_digest", "text"],
] as const;

const types = given.map(([, type]) => type);
const names = sql.join(
  given.map(([name]) => sql.identifier([name])),
  sql.fragment`, `,
);

/**
 * Adds any number of users in one statement, except those whose id or key is taken. Times in the future become now:
 * nothing was created, suspended or deleted in the future.
 */
export function insertUsers(users: readonly NewUser[]): FragmentSqlToken {
  return sql.fragment`
    insert into users (
      id,
      email,
      email_key,
      username,
      username_key,
      display_name,
      attributes,
      suspend_reason,
      suspend_time,
      suspend_until_time,
      create_time,
      update_time,
      delete_time,
      import_digest,
      version
    )
    select
      given.id,
      given.email,
      given.email_key,
      given.username,
      given.username_key,
      given.display_name,
      given.attributes::jsonb,
      given.suspend_reason,
      case when given.suspend_reason is not null then least(given.suspend_time, now()) end,
      given.suspend_until_time,
      least(given.create_time, now()),
      now(),
      case when given.delete_time is not null then least(given.delete_time, now()) end,
      given.import_digest,
      1
    from ${sql.unnest(users.map(columnsOf), [...types])} as given (${names})
    on conflict do nothing`;
}

function columnsOf(user: NewUser): (string | null)[] {
  const { suspension } = user;
  return [
    user.id,
    user.email?.value ?? null,
    user.email?.key ?? null,
    user.username?.value ?? null,
    user.username?.key ?? null,
    user.displayName,
    JSON.stringify(user.attributes),
    suspension?.reason ?? null,
    suspension?.startTime?.toISOString() ?? null,
    suspension?.untilTime?.toISOString() ?? null,
    user.createTime?.toISOString() ?? null,
    user.deleteTime?.toISOString() ?? null,
    user.importDigest,
  ];
}
