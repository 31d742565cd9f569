import { type FragmentSqlToken, sql } from "slonik";
import type { NewEvent } from "../../../domain/audit/event.ts";
import { Session, type SessionLimits, type SessionRow } from "../../../domain/session/session.ts";
import { sessionsTable } from "../../../infrastructure/db/schema/sessions-table.ts";
import type {
  NewSession,
  RefreshAttempt,
  SessionSnapshot,
  SessionStatements,
} from "../session-repository.ts";
import { clearFailuresIf } from "./cockroach-attempts.ts";
import { insertEvent } from "./insert-event.ts";
import type { Run } from "./run.ts";

/** How long a session is kept for inspection after its absolute limit. */
const keptForMs = 7 * 24 * 3_600_000;

/** Number of repetitions within a leeway that are counted and recorded as events. Each is a write. */
const countedRepeats = 3;

/** Changes of sessions in SQL, one statement each. */
export class CockroachSessionStatements implements SessionStatements {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  async begin(
    { id, userId, caller, audience, client, passwordHash, account }: NewSession,
    { idleMs, absoluteMs }: SessionLimits,
    event: NewEvent,
  ): Promise<SessionSnapshot | undefined> {
    const row = await this.#run((connection) =>
      connection.maybeOne(sql.type(sessionsTable.rowAt)`
        with begun as (
          insert into sessions (
            id,
            user_id,
            caller,
            audience,
            client_id,
            client_display_name,
            client_user_agent,
            client_ip_address,
            generation,
            epoch,
            create_time,
            refresh_time,
            idle_expire_time,
            expire_time,
            purge_time
          )
          select
            ${id}::uuid,
            users.id,
            ${caller}::text,
            ${audience}::text,
            ${client.id}::text,
            ${client.displayName}::text,
            ${client.userAgent}::text,
            ${client.ipAddress}::text,
            1,
            users.session_epoch,
            now(),
            now(),
            now() + ${milliseconds(Math.min(idleMs, absoluteMs))},
            now() + ${milliseconds(absoluteMs)},
            now() + ${milliseconds(absoluteMs + keptForMs)}
          from users
          join credentials on credentials.user_id = users.id
          where users.id = ${userId}
            and ${sessionsTable.userIsActive}
            and credentials.password_hash = ${passwordHash}
          on conflict (id) do update
          set generation = sessions.generation
          where sessions.user_id = excluded.user_id
            and sessions.epoch = excluded.epoch
          returning ${sessionsTable.stored}
        ),
        noted as (
          ${insertEvent(event, { from: sql.fragment`begun` })}
        ),
        forgiven as (
          ${clearFailuresIf({ account, userId }, sql.fragment`begun`)}
        )
        select
          ${sessionsTable.columns},
          now()::timestamptz(3) as time
        from begun as sessions
      `),
    );
    return row === null ? undefined : sessionAt(row);
  }

  /**
   * Writes if the token is of the current generation, if it is the previous one and was rarely repeated, or if it is
   * old enough to end the session. If it was repeated often, the row is only read. At most one half of the union
   * returns a row.
   */
  async refresh(
    { id, generation, caller }: RefreshAttempt,
    { idleMs, leewayMs }: SessionLimits,
    event: NewEvent,
  ): Promise<SessionSnapshot | undefined> {
    const isCallers = caller === undefined ? sql.fragment`` : sql.fragment`and sessions.caller = ${caller}`;
    const usable = sql.fragment`
      sessions.id = ${id}
        and ${sessionsTable.unended}
        ${isCallers}
        and exists (
          select 1
          from users
          where users.id = sessions.user_id
            and ${sessionsTable.isOfEpoch}
            and ${sessionsTable.userIsActive}
        )`;
    const isCurrent = sql.fragment`sessions.generation = ${generation}`;
    const isRepeated = sql.fragment`
      (sessions.generation = ${generation + 1} and sessions.refresh_time > now() - ${milliseconds(leewayMs)})`;
    const isUncounted = sql.fragment`sessions.repeats >= ${countedRepeats}`;
    const row = await this.#run((connection) =>
      connection.maybeOne(sql.type(sessionsTable.rowAt)`
        with changed as (
          update sessions
          set
            generation = case when ${isCurrent} then sessions.generation + 1 else sessions.generation end,
            refresh_time = case when ${isCurrent} then now() else sessions.refresh_time end,
            idle_expire_time = case
              when ${isCurrent} then least(sessions.expire_time, now() + ${milliseconds(idleMs)})
              else sessions.idle_expire_time
            end,
            repeats = case when ${isCurrent} then 0 else sessions.repeats + 1 end,
            end_time = case when ${isCurrent} or ${isRepeated} then null else now() end,
            end_reason = case when ${isCurrent} or ${isRepeated} then null else 'refresh-token-reused' end
          where ${usable}
            and sessions.generation >= ${generation}
            and not (${isRepeated} and ${isUncounted})
          returning ${sessionsTable.stored}
        ),
        noted as (
          ${insertEvent(event, {
            from: sql.fragment`changed`,
            type: sql.fragment`case
              when changed.end_time is not null then 'refresh-token.reused'
              when changed.repeats > 0 then 'refresh-token.repeated'
              else ${event.type}
            end`,
            outcome: sql.fragment`case when changed.end_time is null then ${event.outcome} else 'refused' end`,
            reason: sql.fragment`case when changed.end_time is null then null else 'REFRESH_TOKEN_INVALID' end`,
            userId: sql.fragment`changed.user_id`,
            objectId: sql.fragment`changed.id::text`,
          })}
        )
        select
          ${sessionsTable.columns},
          now()::timestamptz(3) as time
        from changed as sessions
        union all
        select
          ${sessionsTable.columns},
          now()::timestamptz(3) as time
        from sessions
        where ${usable}
          and ${isRepeated}
          and ${isUncounted}
          and not exists (select 1 from changed)
      `),
    );
    return row === null ? undefined : sessionAt(row);
  }
}

function sessionAt({ time, ...row }: SessionRow & { time: Date }): SessionSnapshot {
  return { session: Session.fromRow(row), time };
}

function milliseconds(amount: number): FragmentSqlToken {
  return sql.fragment`${amount}::int8 * interval '1 millisecond'`;
}
