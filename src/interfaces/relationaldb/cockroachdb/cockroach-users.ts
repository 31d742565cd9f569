import { type FragmentSqlToken, sql } from "slonik";
import { DomainError } from "../../../domain/errors.ts";
import type { PageCursor } from "../../../domain/page-tokens.ts";
import {
  type NewUser,
  now,
  User,
  type UserDraft,
  type UserProfile,
  type UserState,
} from "../../../domain/user/user.ts";
import { plannedEachTime } from "../../../infrastructure/db/planned-each-time.ts";
import { usersTable } from "../../../infrastructure/db/schema/users-table.ts";
import type { UserKey, UserQuery, UserRepository } from "../user-repository.ts";
import { endOfPrefix } from "./end-of-prefix.ts";
import { insertUsers } from "./insert-users.ts";
import type { Run } from "./run.ts";

/** Users in SQL. */
export class CockroachUsers implements UserRepository {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  async find(key: UserKey): Promise<User | undefined> {
    const row = await this.#run((connection) =>
      connection.maybeOne(sql.type(usersTable.row)`
        select ${usersTable.columns}
        from users
        where ${isNamedBy(key)}
      `),
    );
    return row === null ? undefined : User.fromRow(row);
  }

  async findMany(keys: readonly UserKey[]): Promise<User[]> {
    const ids = keys.flatMap((key) => (key.kind === "id" ? [key.id] : []));
    const emails = keys.flatMap((key) => (key.kind === "email" ? [key.key] : []));
    const usernames = keys.flatMap((key) => (key.kind === "username" ? [key.key] : []));
    // Three index lookups: an `or` over three columns makes CockroachDB read the whole table.
    const rows = await this.#run((connection) =>
      connection.any(sql.type(usersTable.row)`
        select ${usersTable.columns}
        from users
        where id = any(${sql.array(ids, "uuid")})
        union all
        select ${usersTable.columns}
        from users
        where email_key = any(${sql.array(emails, "text")})
        union all
        select ${usersTable.columns}
        from users
        where username_key = any(${sql.array(usernames, "text")})
      `),
    );
    return [...new Map(rows.map((row) => [row.id, User.fromRow(row)])).values()];
  }

  async findImportDigests(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#run((connection) =>
      connection.any(sql.type(usersTable.importRow)`
        select id, import_digest
        from users
        where id = any(${sql.array([...ids], "uuid")})
          and import_digest is not null
      `),
    );
    return new Map(rows.map(({ id, importDigest }) => [id, importDigest]));
  }

  async list(query: UserQuery): Promise<User[]> {
    const direction = query.descending ? sql.fragment`desc` : sql.fragment`asc`;
    const order =
      query.orderBy === "id"
        ? sql.fragment`id ${direction}`
        : sql.fragment`create_time ${direction}, id ${direction}`;
    const rows = await this.#run((connection) =>
      connection.any(sql.type(usersTable.row)`
        select ${usersTable.columns}
        from users
        where ${sql.join(conditions(query), sql.fragment` and `)}
        order by ${order}
        limit ${query.limit}
        ${isOrderedByAnotherIndex(query) ? plannedEachTime : sql.fragment``}
      `),
    );
    return rows.map((row) => User.fromRow(row));
  }

  async insert(id: string, profile: UserProfile): Promise<User> {
    const row = await this.#run((connection) =>
      connection.one(sql.type(usersTable.row)`
        insert into users (
          id,
          email,
          email_key,
          username,
          username_key,
          display_name,
          attributes,
          create_time,
          update_time,
          version
        )
        values (
          ${id},
          ${profile.email?.value ?? null},
          ${profile.email?.key ?? null},
          ${profile.username?.value ?? null},
          ${profile.username?.key ?? null},
          ${profile.displayName},
          ${sql.jsonb(profile.attributes)},
          now(),
          now(),
          1
        )
        returning ${usersTable.columns}
      `),
    );
    return User.fromRow(row);
  }

  async insertMany(users: readonly NewUser[]): Promise<string[]> {
    if (users.length === 0) return [];
    // One row: reading 500 rows takes the service longer than the server takes to aggregate them.
    const { ids } = await this.#run((connection) =>
      connection.one(sql.type(usersTable.idsRow)`
        with added as (
          ${insertUsers(users)}
          returning id
        )
        select coalesce(jsonb_agg(id), '[]')::jsonb as ids
        from added
      `),
    );
    return ids;
  }

  async update(user: User, draft: UserDraft): Promise<User> {
    const { suspension } = draft;
    const row = await this.#run((connection) =>
      connection.maybeOne(sql.type(usersTable.row)`
        update users
        set
          email = ${draft.email?.value ?? null},
          email_key = ${draft.email?.key ?? null},
          username = ${draft.username?.value ?? null},
          username_key = ${draft.username?.key ?? null},
          display_name = ${draft.displayName},
          attributes = ${sql.jsonb(draft.attributes)},
          suspend_reason = ${suspension?.reason ?? null},
          suspend_time = ${time(suspension?.startTime)},
          suspend_until_time = ${time(suspension?.untilTime)},
          delete_time = ${time(draft.deleteTime)},
          update_time = now(),
          version = version + 1
        where id = ${user.id}
          and version = ${user.version}
        returning ${usersTable.columns}
      `),
    );
    if (row === null)
      throw new DomainError("CONTENTION", "the user was changed concurrently; retry the call");
    return User.fromRow(row);
  }
}

/** The condition that a row is the user with a key. */
export function isNamedBy(key: UserKey): FragmentSqlToken {
  switch (key.kind) {
    case "id":
      return sql.fragment`users.id = ${key.id}`;
    case "email":
      return sql.fragment`users.email_key = ${key.key}`;
    case "username":
      return sql.fragment`users.username_key = ${key.key}`;
  }
}

/**
 * Whether different indexes serve the filter and the order. Which one is better depends on how many users match the
 * filter.
 */
function isOrderedByAnotherIndex({ orderBy, emailPrefix, createdAfter, createdBefore }: UserQuery): boolean {
  const isByTime = createdAfter !== undefined || createdBefore !== undefined;
  return emailPrefix !== undefined || (orderBy === "id" && isByTime);
}

function conditions(query: UserQuery): FragmentSqlToken[] {
  const { state, createdAfter, createdBefore, emailPrefix, showDeleted, after } = withOneBound(query);
  return [
    showDeleted ? sql.fragment`true` : sql.fragment`delete_time is null`,
    ...(state === undefined ? [] : [isInState(state)]),
    ...(createdAfter === undefined ? [] : [sql.fragment`create_time >= ${time(createdAfter)}`]),
    ...(createdBefore === undefined ? [] : [sql.fragment`create_time < ${time(createdBefore)}`]),
    ...(emailPrefix === undefined ? [] : [beginsWith(emailPrefix)]),
    ...(after === undefined ? [] : [comesAfter(after, query)]),
  ];
}

/**
 * Keeps only the tighter of the two starting points of a list: a time and a cursor. Given both, PostgreSQL may start at
 * the looser one and scan to the tighter one.
 */
function withOneBound(query: UserQuery): UserQuery {
  const { orderBy, descending, after } = query;
  const first = descending ? "createdBefore" : "createdAfter";
  const bound = query[first];
  if (orderBy === "id" || bound === undefined || after === undefined) return query;
  const cursorIsLater = descending ? after.createTime < bound : after.createTime >= bound;
  return { ...query, [cursorIsLater ? first : "after"]: undefined };
}

function isInState(state: UserState): FragmentSqlToken {
  switch (state) {
    case "deleted":
      return sql.fragment`delete_time is not null`;
    case "suspended":
      return sql.fragment`delete_time is null and ${usersTable.suspendedNow}`;
    case "active":
      return sql.fragment`delete_time is null and not ${usersTable.suspendedNow}`;
  }
}

function comesAfter({ createTime, id }: PageCursor, { orderBy, descending }: UserQuery): FragmentSqlToken {
  const follows = descending ? sql.fragment`<` : sql.fragment`>`;
  return orderBy === "id"
    ? sql.fragment`id ${follows} ${id}::uuid`
    : sql.fragment`(create_time, id) ${follows} (${time(createTime)}, ${id}::uuid)`;
}

/**
 * Matches email keys with a prefix. PostgreSQL estimates how many keys a pattern matches from a sample of a hundred,
 * and would read the whole table for a rare prefix that is in the sample, so a range condition is added. It is correct
 * only if text is ordered by code point, as with the C collation and on CockroachDB. The check for that is a constant,
 * which is folded before planning.
 */
function beginsWith(prefix: string): FragmentSqlToken {
  const pattern = `${prefix.replace(/[\\%_]/g, "\\$&")}%`;
  const end = endOfPrefix(prefix);
  const comesBeforeEnd = end === undefined ? sql.fragment`true` : sql.fragment`email_key < ${end}`;
  return sql.fragment`email_key like ${pattern}
    and ('a'::text < 'B'::text or (email_key >= ${prefix} and ${comesBeforeEnd}))`;
}

function time(value: Date | typeof now | undefined): FragmentSqlToken {
  return value === now ? sql.fragment`now()` : sql.fragment`${value?.toISOString() ?? null}::timestamptz`;
}
