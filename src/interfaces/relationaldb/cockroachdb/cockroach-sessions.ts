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
        select ${sessionsTable.columns}
        from sessions
        where id = ${id}
      `),
    );
    return row === null ? undefined : Session.fromRow(row);
  }

  async statuses(ids: readonly string[]): Promise<SessionStatus[]> {
    // One row for all of them: a row costs more than all that is in it, and this is asked for more than all else.
    const { statuses, revoked, time } = await this.#run((connection) =>
      connection.one(sql.type(sessionsTable.statusesRow)`
        select
          coalesce(
            jsonb_agg(
              jsonb_build_array(
                sessions.id,
                sessions.user_id,
                ${sessionsTable.live} and ${sessionsTable.userIsActive}
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
      sql.fragment`user_id = ${userId}`,
      ...(liveOnly ? [sessionsTable.live] : []),
      ...(after === undefined
        ? []
        : [
            sql.fragment`(create_time, id) < (${after.createTime.toISOString()}::timestamptz, ${after.id}::uuid)`,
          ]),
    ];
    const rows = await this.#run((connection) =>
      connection.any(sql.type(sessionsTable.row)`
        select ${sessionsTable.columns}
        from sessions
        where ${sql.join(conditions, sql.fragment` and `)}
        order by create_time desc, id desc
        limit ${limit}
      `),
    );
    return rows.map((row) => Session.fromRow(row));
  }

  async end(id: string, reason: EndReason): Promise<SessionEnd | undefined> {
    const ended = await this.#run((connection) =>
      connection.maybeOne(sql.type(sessionsTable.row)`
        update sessions
        set end_time = now(), end_reason = ${reason}
        where id = ${id}
          and ${sessionsTable.live}
        returning ${sessionsTable.columns}
      `),
    );
    if (ended !== null) return { session: Session.fromRow(ended), ended: true };
    const session = await this.find(id);
    return session && { session, ended: false };
  }

  async endAll(userId: string, reason: EndReason, except: string | undefined): Promise<string[]> {
    const kept = except === undefined ? sql.fragment`` : sql.fragment`and id <> ${except}`;
    const ended = await this.#run((connection) =>
      connection.any(sql.type(sessionsTable.idRow)`
        update sessions
        set end_time = now(), end_reason = ${reason}
        where user_id = ${userId}
          and ${sessionsTable.live}
          ${kept}
        returning id
      `),
    );
    return ended.map((session) => session.id);
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
    // A statement of its own: with the limit in a subquery PostgreSQL reads, and so locks, the whole table.
    const ids = old.map(({ id }) => id);
    const swept = await this.#run((connection) =>
      connection.any(sql.type(sessionsTable.idRow)`
        delete from sessions
        where id = any(${sql.array(ids, "uuid")})
        returning id
      `),
    );
    return swept.length;
  }
}
