import { type FragmentSqlToken, sql } from "slonik";
import type { AttemptLimits } from "../../../domain/throttle/attempt-limits.ts";
import { User } from "../../../domain/user/user.ts";
import { attemptsTable } from "../../../infrastructure/db/schema/attempts-table.ts";
import { credentialsTable } from "../../../infrastructure/db/schema/credentials-table.ts";
import { devicesTable } from "../../../infrastructure/db/schema/devices-table.ts";
import { sessionsTable } from "../../../infrastructure/db/schema/sessions-table.ts";
import { usersTable } from "../../../infrastructure/db/schema/users-table.ts";
import type {
  Attempt,
  AttemptEvents,
  AttemptRepository,
  AttemptResult,
  AttemptStatements,
  AttemptVerdict,
  KnownBy,
  NewAttempt,
} from "../attempt-repository.ts";
import { knownDevice } from "./cockroach-devices.ts";
import { isNamedBy } from "./cockroach-users.ts";
import { insertEvent, insertEventAnd } from "./insert-event.ts";
import type { Run } from "./run.ts";

/** How long the counter of an unknown name, or of a device, is kept after its last attempt. */
const keptForMs = 30 * 24 * 3_600_000;
const nilUuid = "00000000-0000-0000-0000-000000000000";

/**
 * Lock end of an unlocked account. It is in the past, because a column of milliseconds rounds up: with the current
 * time, the next attempt could find the account locked for half a millisecond.
 */
const open = sql.fragment`now() - interval '1 second'`;

/** Attempts in SQL, one statement per change. */
export class CockroachAttemptStatements implements AttemptStatements {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  async begin(
    { id, key, nameDigest, network, knownBy }: NewAttempt,
    limits: AttemptLimits,
  ): Promise<AttemptVerdict> {
    const cap = sql.fragment`
      case
        when account_attempts.account like ${knownPattern} then ${limits.knownDeviceCap}::int8
        else ${limits.cap}::int8
      end`;
    const row = await this.#run((connection) =>
      connection.one(sql.type(attemptsTable.verdictRow)`
        with named as (
          select users.id
          from users
          where ${isNamedBy(key)}
        ),
        known as (
          ${knownBy === undefined ? sql.fragment`select null::text as suffix where false` : known(knownBy)}
        ),
        counted_under as (
          select coalesce(
            (select 'users/' || id::text || coalesce((select suffix from known), '') from named),
            ${`names/${nameDigest}`}::text
          ) as account
        ),
        counted as (
          insert into account_attempts (account, attempt_id, failures, lock_end_time, forget_time)
          select
            account,
            ${id}::uuid,
            1,
            ${lockEnd(sql.fragment`1::int8`, limits)},
            case when account like 'names/%' or account like '%/devices/%' then now() + ${milliseconds(keptForMs)} end
          from counted_under
          where exists (select 1 from known) or not exists (
            select 1
            from network_attempts
            where network = ${network ?? ""}
              and failures >= ${limits.networkLimit}
              and window_end_time > now()
          )
          on conflict (account) do update
          set
            attempt_id = excluded.attempt_id,
            failures = case
              when account_attempts.attempt_id = excluded.attempt_id then account_attempts.failures
              else account_attempts.failures + 1
            end,
            lock_end_time = case
              when account_attempts.attempt_id = excluded.attempt_id then account_attempts.lock_end_time
              else ${lockEnd(sql.fragment`account_attempts.failures + 1`, limits)}
            end,
            forget_time = excluded.forget_time
          where account_attempts.attempt_id = excluded.attempt_id
            or (account_attempts.failures < ${cap} and account_attempts.lock_end_time <= now())
          returning account
        ),
        before as materialized (
          select account, failures, lock_end_time
          from account_attempts
          where account = (select account from counted_under)
            and not exists (select 1 from counted)
        ),
        network as materialized (
          select window_end_time
          from network_attempts
          where network = ${network ?? ""}
            and failures >= ${limits.networkLimit}
            and not exists (select 1 from known)
            and not exists (select 1 from counted)
        )
        select
          ${usersTable.columns},
          ${credentialsTable.columns},
          counted_under.account,
          (counted.account is not null) as allowed,
          coalesce(
            before.failures >= case
              when before.account like ${knownPattern} then ${limits.knownDeviceCap}::int8
              else ${limits.cap}::int8
            end,
            false
          )::bool as capped,
          ${millisecondsUntil(sql.fragment`before.lock_end_time`)} as lock_left_ms,
          ${millisecondsUntil(sql.fragment`network.window_end_time`)} as window_left_ms
        from counted_under
        left join counted on counted.account = counted_under.account
        left join before on true
        left join network on true
        left join users on ${isNamedBy(key)}
        left join credentials on credentials.user_id = users.id
      `),
    );
    const { account, allowed, capped, lockLeftMs, windowLeftMs, passwordHash, ...user } = row;
    const leftMs = Math.max(lockLeftMs, windowLeftMs);
    return {
      attempt: { id, account, network: account.split("/").length > 2 ? undefined : network },
      found:
        user.id === undefined
          ? undefined
          : { user: User.fromRow(usersTable.record.parse(user)), passwordHash },
      allowed,
      retryAfterMs: allowed || capped || leftMs === 0 ? undefined : leftMs,
    };
  }

  async conclude(
    { id, account, network }: Attempt,
    result: AttemptResult,
    { event, locked }: AttemptEvents,
    { free, windowMs }: AttemptLimits,
  ): Promise<void> {
    const isClosed = sql.fragment`
      account_attempts
      where account_attempts.account = ${account}
        and account_attempts.attempt_id = ${id}
        and account_attempts.failures >= ${free}`;
    const before =
      result === "succeeded"
        ? sql.fragment`with forgiven as (${forgive(account)})`
        : result === "failed" && network !== undefined
          ? sql.fragment`with counted as (${countForNetwork(id, network, windowMs)})`
          : sql.fragment``;
    const insert =
      result === "failed" ? insertEventAnd(event, locked, { from: isClosed }) : insertEvent(event);
    await this.#run((connection) => connection.query(sql.unsafe`${before} ${insert}`));
  }

  async undoCount({ id, account }: Attempt): Promise<void> {
    await this.#run((connection) =>
      connection.query(sql.unsafe`
        update account_attempts
        set failures = greatest(failures - 1, 0), lock_end_time = ${open}, attempt_id = ${nilUuid}
        where account = ${account}
          and attempt_id = ${id}
      `),
    );
  }
}

/** The changes of attempts that are part of other transactions. */
export class CockroachAttempts implements AttemptRepository {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  async forgive(userId: string): Promise<void> {
    const account = accountOf(userId);
    await this.#run((connection) =>
      connection.query(sql.unsafe`
        update account_attempts
        set failures = 0, lock_end_time = ${open}
        where account in (${account}, ${sessionsOf(account)})
      `),
    );
  }

  async unlock(userIds: readonly string[]): Promise<string[]> {
    const devices = await this.#run((connection) =>
      connection.any(sql.type(devicesTable.ownedRow)`
        select id, user_id
        from devices
        where user_id = any(${sql.array([...userIds], "uuid")})
      `),
    );
    const accounts = [
      ...userIds.map(accountOf).flatMap((account) => [account, sessionsOf(account)]),
      ...devices.map(({ id, userId }) => `${accountOf(userId)}/devices/${id}`),
    ];
    const unlocked = await this.#run((connection) =>
      connection.any(sql.type(attemptsTable.accountRow)`
        update account_attempts
        set failures = 0, lock_end_time = ${open}
        where account = any(${sql.array(accounts, "text")})
          and failures > 0
        returning account
      `),
    );
    return [...new Set(unlocked.map(({ account }) => account.split("/")[1] ?? ""))];
  }

  async sweep(limit: number): Promise<number> {
    const names = await this.#run((connection) =>
      connection.any(sql.type(attemptsTable.accountRow)`
        select account
        from account_attempts
        where forget_time < now()
          and forget_time is not null
        order by forget_time asc nulls last
        limit ${limit}
      `),
    );
    const networks = await this.#run((connection) =>
      connection.any(sql.type(attemptsTable.networkRow)`
        select network
        from network_attempts
        where window_end_time < now()
        order by window_end_time
        limit ${limit}
      `),
    );
    // Separate statements: with the limit in a subquery, PostgreSQL reads, and so locks, the whole table.
    await this.#run((connection) =>
      connection.query(sql.unsafe`
        delete from account_attempts
        where account = any(${sql.array(
          names.map(({ account }) => account),
          "text",
        )})
      `),
    );
    await this.#run((connection) =>
      connection.query(sql.unsafe`
        delete from network_attempts
        where network = any(${sql.array(
          networks.map(({ network }) => network),
          "text",
        )})
      `),
    );
    return Math.max(names.length, networks.length);
  }
}

/** Matches the accounts of known devices and of sessions. */
const knownPattern = "users/%/%";

/** The body of a CTE: the account suffix of a known attempt, after the user. */
function known(by: KnownBy): FragmentSqlToken {
  if ("deviceDigest" in by) return knownDevice(by.deviceDigest);
  return sql.fragment`
    select '/sessions' as suffix
    from named
    join users on users.id = named.id
    join sessions on sessions.user_id = users.id
    where sessions.id = ${by.sessionId}
      and ${sessionsTable.unended}
      and ${sessionsTable.isOfEpoch}
      and ${sessionsTable.userIsActive}`;
}

/** The account that the failures of a user are counted under. */
function accountOf(userId: string): string {
  return `users/${userId}`;
}

/** The account for attempts within sessions. */
function sessionsOf(account: string): string {
  return `${account}/sessions`;
}

function forgive(account: string): FragmentSqlToken {
  return sql.fragment`
    update account_attempts
    set failures = 0, lock_end_time = ${open}
    where account = ${account}
    returning account`;
}

/** The body of a CTE that clears the failures of an account, or of a user, if another CTE has a row. */
export function clearFailuresIf(
  { account, userId }: { readonly account?: string | undefined; readonly userId: string },
  cte: FragmentSqlToken,
): FragmentSqlToken {
  return sql.fragment`
    update account_attempts
    set failures = 0, lock_end_time = ${open}
    where account = ${account ?? accountOf(userId)}
      and exists (select 1 from ${cte})
    returning account`;
}

function countForNetwork(id: string, network: string, windowMs: number): FragmentSqlToken {
  return sql.fragment`
    insert into network_attempts (network, attempt_id, failures, window_end_time)
    values (${network}, ${id}, 1, now() + ${milliseconds(windowMs)})
    on conflict (network) do update
    set
      attempt_id = excluded.attempt_id,
      failures = case
        when network_attempts.attempt_id = excluded.attempt_id then network_attempts.failures
        when network_attempts.window_end_time <= now() then 1
        else network_attempts.failures + 1
      end,
      window_end_time = case
        when network_attempts.window_end_time <= now() then excluded.window_end_time
        else network_attempts.window_end_time
      end
    returning network`;
}

/** The lock end after a number of failures; in the past if they do not lock the account. */
function lockEnd(failures: FragmentSqlToken, { free, locksMs }: AttemptLimits): FragmentSqlToken {
  const place = sql.fragment`least(${failures} - ${free - 1}::int8, ${locksMs.length}::int8)`;
  return sql.fragment`
    now() + coalesce(nullif((${sql.array([...locksMs], "int8")})[${place}::int4], 0), -1000) * interval '1 millisecond'`;
}

function millisecondsUntil(time: FragmentSqlToken): FragmentSqlToken {
  return sql.fragment`greatest(coalesce(extract(epoch from ${time} - now()) * 1000, 0), 0)::int8`;
}

function milliseconds(amount: number): FragmentSqlToken {
  return sql.fragment`${amount}::int8 * interval '1 millisecond'`;
}
