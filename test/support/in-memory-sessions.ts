import { Session, type SessionRow } from "../../src/domain/session/session.ts";
import type {
  SessionAt,
  SessionRepository,
  SessionStatements,
} from "../../src/interfaces/relationaldb/session-repository.ts";
import { forgive } from "./in-memory-attempts.ts";
import { addEvent } from "./in-memory-events.ts";
import { stateOf, type Tables } from "./in-memory-tables.ts";

const keptForMs = 7 * 24 * 3_600_000;

/** Runs a change as one statement, which is a transaction of its own. */
type Statement = <T>(change: (tables: Tables) => T) => Promise<T>;

export function sessions(tables: () => Tables, clock: () => Date): SessionRepository {
  const end = (row: StoredSession, endTime: Date, endReason: StoredSession["endReason"]) =>
    tables().sessions.set(row.id, { ...row, endTime, endReason });
  const find = async (id: string) => {
    const row = tables().sessions.get(id);
    return row && sessionAt(row, clock()).session;
  };
  return {
    find,
    async statuses(ids) {
      const time = clock();
      return [...new Set(ids)]
        .map((id) => tables().sessions.get(id))
        .filter((row) => row !== undefined)
        .map((row) => ({
          id: row.id,
          userId: row.userId,
          live: isLive(row, time) && isActive(tables(), row.userId, time),
          revokedKeys: [...tables().signingKeys.values()]
            .filter(({ revokeTime }) => revokeTime !== undefined)
            .map((key) => key.id),
          time,
        }));
    },
    async list({ userId, liveOnly, after, limit }) {
      const time = clock();
      return [...tables().sessions.values()]
        .filter((row) => row.userId === userId && (!liveOnly || isLive(row, time)))
        .sort(youngestFirst)
        .filter((row) => after === undefined || youngestFirst(after, row) < 0)
        .slice(0, limit)
        .map((row) => sessionAt(row, time).session);
    },
    async end(id, reason) {
      const time = clock();
      const row = tables().sessions.get(id);
      const ended = row !== undefined && isLive(row, time);
      if (ended) end(row, time, reason);
      const session = await find(id);
      return session && { session, ended };
    },
    async endAll(userId, reason, except) {
      const time = clock();
      const live = [...tables().sessions.values()].filter(
        (row) => row.userId === userId && row.id !== except && isLive(row, time),
      );
      for (const row of live) end(row, time, reason);
      return live.map(({ id }) => id);
    },
    async sweep(limit) {
      const time = clock();
      const old = [...tables().sessions.values()]
        .filter(({ purgeTime }) => purgeTime < time)
        .sort((a, b) => a.purgeTime.getTime() - b.purgeTime.getTime())
        .slice(0, limit);
      for (const { id } of old) tables().sessions.delete(id);
      return old.length;
    },
  };
}

export function sessionStatements(statement: Statement, clock: () => Date): SessionStatements {
  return {
    begin: ({ id, userId, audience, client, passwordHash, account }, { idleMs, absoluteMs }, event) =>
      statement((tables) => {
        const time = clock();
        if (!isActive(tables, userId, time)) return undefined;
        if (tables.passwordHashes.get(userId) !== passwordHash) return undefined;
        const earlier = tables.sessions.get(id);
        if (earlier && earlier.userId !== userId) return undefined;
        addEvent(tables, event, time);
        forgive(tables, account ?? `users/${userId}`, time);
        if (earlier) return sessionAt(earlier, time);
        const row: StoredSession = {
          id,
          userId,
          audience,
          clientId: client.id,
          clientDisplayName: client.displayName,
          clientUserAgent: client.userAgent,
          clientIpAddress: client.ipAddress,
          state: "live",
          generation: 1,
          createTime: time,
          refreshTime: time,
          idleExpireTime: later(time, Math.min(idleMs, absoluteMs)),
          expireTime: later(time, absoluteMs),
          purgeTime: later(time, absoluteMs + keptForMs),
        };
        tables.sessions.set(id, row);
        return sessionAt(row, time);
      }),
    refresh: (id, generation, { idleMs, leewayMs }, event) =>
      statement((tables) => {
        const time = clock();
        const row = tables.sessions.get(id);
        if (!row || !isLive(row, time) || !isActive(tables, row.userId, time)) return undefined;
        if (row.generation < generation) return undefined;
        if (row.generation === generation + 1 && later(row.refreshTime, leewayMs) > time) {
          return sessionAt(row, time);
        }
        const changed: StoredSession =
          row.generation === generation
            ? {
                ...row,
                generation: generation + 1,
                refreshTime: time,
                idleExpireTime: earliest(row.expireTime, later(time, idleMs)),
              }
            : { ...row, endTime: time, endReason: "refresh-token-reused" };
        tables.sessions.set(id, changed);
        const about = { ...event, userId: row.userId, objectId: id };
        const reused = {
          type: "refresh-token.reused",
          outcome: "refused",
          reason: "REFRESH_TOKEN_INVALID",
        } as const;
        addEvent(tables, changed.endTime === undefined ? about : { ...about, ...reused }, time);
        return sessionAt(changed, time);
      }),
  };
}

type StoredSession = SessionRow & { purgeTime: Date };

function sessionAt({ purgeTime: _, ...row }: StoredSession, time: Date): SessionAt {
  const state = row.endTime !== undefined ? "revoked" : isLive(row, time) ? "live" : "expired";
  return { session: Session.fromRow({ ...row, state }), time };
}

function isLive({ endTime, idleExpireTime }: SessionRow, time: Date): boolean {
  return endTime === undefined && idleExpireTime > time;
}

function isActive({ users }: Tables, userId: string, time: Date): boolean {
  const user = users.get(userId);
  return user !== undefined && stateOf(user, time) === "active";
}

/** Whether a user that may sign in has a live session with an id. */
export function isLiveSessionOf(tables: Tables, id: string, userId: string, time: Date): boolean {
  const row = tables.sessions.get(id);
  return row?.userId === userId && isLive(row, time) && isActive(tables, userId, time);
}

type Place = Pick<SessionRow, "id" | "createTime">;

function youngestFirst(a: Place, b: Place): number {
  const byTime = b.createTime.getTime() - a.createTime.getTime();
  return byTime !== 0 ? byTime : a.id > b.id ? -1 : a.id < b.id ? 1 : 0;
}

function later(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms);
}

function earliest(a: Date, b: Date): Date {
  return a < b ? a : b;
}
