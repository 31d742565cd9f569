import { type FragmentSqlToken, sql } from "slonik";
import { type EndReason, Session } from "../../../domain/session/session.ts";
import { sessionsTable } from "../../../infrastructure/db/schema/sessions-table.ts";
import { signingKeysTable } from "../../../infrastructure/db/schema/signing-keys-table.ts";
import type { SessionEnd, SessionQuery, SessionRepository, SessionStatus } from "../session-repository.ts";
import type { Run } from "./run.ts";

/** Sessions in SQL. */
export class CockroachSessions implements SessionRepository {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  async find(id: string): Promise<Session | undefined> {
    const row = await this.#run((connection) =>
      connection.maybeOne(sql.type(sessionsTable.row)`
        select ${sessionsTable.columnsWithEnds}
        from sessions
        ${sessionsTable.withEnds}
        where sessions.id = ${id}
      `),
    );
    return row === null ? undefined : Session.fromRow(row);
  }

  async statuses(ids: readonly string[]): Promise<SessionStatus[]> {
    // One row for all statuses: a row costs more than its content, and this query runs more often than all others.
    const { statuses, revoked, time } = await this.#run((connection) =>
      connection.one(sql.type(sessionsTable.statusesRow)`
        select
          coalesce(
            jsonb_agg(
              jsonb_build_array(
                sessions.id,
                sessions.user_id,
                ${sessionsTable.unended} and ${sessionsTable.isOfEpoch} and ${sessionsTable.userIsActive}
              )
            ),
            '[]'
          )::jsonb as statuses,
          ${signingKeysTable.revokedIds} as revoked,
          now()::timestamptz(3) as time
        from sessions
        join users on users.id = sessions.user_id
        where sessions.id = any(${sql.array([...ids], "uuid")})
      `),
    );
    return statuses.map(([id, userId, live]) => ({ id, userId, live, revokedKeys: revoked, time }));
  }

  async list({ userId, liveOnly, after, limit }: SessionQuery): Promise<Session[]> {
    const conditions: FragmentSqlToken[] = [
      sql.fragment`sessions.user_id = ${userId}`,
      ...(liveOnly ? [sessionsTable.unended, sql.fragment`sessions.epoch = ${epochOf(userId)}`] : []),
      ...(after === undefined
        ? []
        : [
            sql.fragment`(sessions.create_time, sessions.id) < (${after.createTime.toISOString()}::timestamptz, ${after.id}::uuid)`,
          ]),
    ];
    const rows = await this.#run((connection) =>
      connection.any(sql.type(sessionsTable.row)`
        select ${sessionsTable.columnsWithEnds}
        from sessions
        ${sessionsTable.withEnds}
        where ${sql.join(conditions, sql.fragment` and `)}
        order by sessions.create_time desc, sessions.id desc
        limit ${limit}
      `),
    );
    return rows.map((row) => Session.fromRow(row));
  }

  async exceedsCount(userId: string, count: number): Promise<boolean> {
    const { exceeded } = await this.#run((connection) =>
      connection.one(sql.type(sessionsTable.exceededRow)`
        select (count(*) > ${count})::bool as exceeded
        from (
          select 1
          from sessions
          where user_id = ${userId}
            and epoch = ${epochOf(userId)}
            and end_time is null
          limit ${count + 1}
        ) as counted
      `),
    );
    return exceeded;
  }

  async end(id: string, reason: EndReason): Promise<SessionEnd | undefined> {
    const ended = await this.#run((connection) =>
      connection.maybeOne(sql.type(sessionsTable.idRow)`
        update sessions
        set end_time = now(), end_reason = ${reason}
        where id = ${id}
          and ${sessionsTable.unended}
          and exists (
            select 1
            from users
            where users.id = sessions.user_id
              and ${sessionsTable.isOfEpoch}
          )
        returning id
      `),
    );
    const session = await this.find(id);
    return session && { session, ended: ended !== null };
  }

  async endAll(userId: string, reason: EndReason, except: string | undefined): Promise<boolean> {
    const ended = await this.#run((connection) =>
      connection.maybeOne(sql.type(sessionsTable.endRow)`
        with next as (
          update users
          set session_epoch = session_epoch + 1
          where id = ${userId}
          returning id, session_epoch
        )
        insert into session_ends (user_id, epoch, end_time, end_reason)
        select id, session_epoch - 1, now(), ${reason}
        from next
        returning user_id, epoch, end_time, end_reason
      `),
    );
    if (ended === null) return false;
    if (except === undefined) return true;
    await this.#run((connection) =>
      connection.query(sql.unsafe`
        update sessions
        set epoch = ${ended.epoch + 1}
        where id = ${except}
          and user_id = ${userId}
          and epoch = ${ended.epoch}
          and ${sessionsTable.unended}
      `),
    );
    return true;
  }

  async evict(userId: string, keep: number, limit: number): Promise<string[]> {
    // Only within the newest: if there were many more, from before there was a limit, this would read all of them.
    const surplus = await this.#run((connection) =>
      connection.any(sql.type(sessionsTable.unendedRow)`
        select id, live
        from (
          select
            id,
            live,
            row_number() over (order by live desc, create_time desc, id desc)::int8 as place
          from (
            select id, create_time, (idle_expire_time > now()) as live
            from sessions
            where user_id = ${userId}
              and epoch = ${epochOf(userId)}
              and end_time is null
            order by create_time desc, id desc
            limit ${keep + limit}
          ) as youngest
        ) as placed
        where place > ${keep}
      `),
    );
    await this.#delete(surplus.map(({ id }) => id));
    return surplus.filter(({ live }) => live).map(({ id }) => id);
  }

  async settle(limit: number): Promise<boolean> {
    const end = await this.#run((connection) =>
      connection.maybeOne(sql.type(sessionsTable.endRow)`
        select user_id, epoch, end_time, end_reason
        from session_ends
        order by user_id asc nulls last, epoch
        limit 1
      `),
    );
    if (end === null) return false;
    const { userId, epoch, endTime, endReason } = end;
    const sessions = await this.#run((connection) =>
      connection.any(sql.type(sessionsTable.idRow)`
        select id
        from sessions
        where user_id = ${userId}
          and epoch = ${epoch}
          and end_time is null
        order by create_time, id
        limit ${limit}
      `),
    );
    const ids = sessions.map(({ id }) => id);
    await this.#run((connection) =>
      connection.query(sql.unsafe`
        update sessions
        set end_time = ${endTime.toISOString()}::timestamptz, end_reason = ${endReason}
        where id = any(${sql.array(ids, "uuid")})
      `),
    );
    if (ids.length < limit) {
      await this.#run((connection) =>
        connection.query(sql.unsafe`
          delete from session_ends
          where user_id = ${userId}
            and epoch = ${epoch}
        `),
      );
    }
    return true;
  }

  async sweep(limit: number): Promise<number> {
    const old = await this.#run((connection) =>
      connection.any(sql.type(sessionsTable.idRow)`
        select id
        from sessions
        where purge_time < now()
        order by purge_time
        limit ${limit}
      `),
    );
    // A separate statement: with the limit in a subquery, PostgreSQL reads, and so locks, the whole table.
    return this.#delete(old.map(({ id }) => id));
  }

  /** Returns how many were deleted. */
  async #delete(ids: readonly string[]): Promise<number> {
    const deleted = await this.#run((connection) =>
      connection.any(sql.type(sessionsTable.idRow)`
        delete from sessions
        where id = any(${sql.array([...ids], "uuid")})
        returning id
      `),
    );
    return deleted.length;
  }
}

/** The current epoch of a user. Only sessions of this epoch can be live. */
function epochOf(userId: string): FragmentSqlToken {
  return sql.fragment`(select users.session_epoch from users where users.id = ${userId})`;
}
