import { Session, type SessionRow } from "../../src/domain/session/session.ts";
import type {
  SessionRepository,
  SessionSnapshot,
  SessionStatements,
} from "../../src/interfaces/relationaldb/session-repository.ts";
import { forgive } from "./in-memory-attempts.ts";
import { addEvent } from "./in-memory-events.ts";
import { type StoredSession, stateOf, type Tables } from "./in-memory-tables.ts";

const countedRepeats = 3;
const keptForMs = 7 * 24 * 3_600_000;

/** Runs a change as one statement, which is a transaction of its own. */
type Statement = <T>(change: (tables: Tables) => T) => Promise<T>;

export function sessions(tables: () => Tables, clock: () => Date): SessionRepository {
  const find = async (id: string) => {
    const row = tables().sessions.get(id);
    return row && sessionAt(tables(), row, clock()).session;
  };
  /** Of a user, youngest first: those of their epoch that have not been ended. */
  const unendedOf = (userId: string) =>
    [...tables().sessions.values()]
      .filter((row) => row.userId === userId && row.endTime === undefined && isOfEpoch(tables(), row))
      .sort(youngestFirst);
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
          live: isLive(tables(), row, time) && isActive(tables(), row.userId, time),
          revokedKeys: [...tables().signingKeys.values()]
            .filter(({ revokeTime }) => revokeTime !== undefined)
            .map((key) => key.id),
          time,
        }));
    },
    async list({ userId, liveOnly, after, limit }) {
      const time = clock();
      return [...tables().sessions.values()]
        .filter((row) => row.userId === userId && (!liveOnly || isLive(tables(), row, time)))
        .sort(youngestFirst)
        .filter((row) => after === undefined || youngestFirst(after, row) < 0)
        .slice(0, limit)
        .map((row) => sessionAt(tables(), row, time).session);
    },
    async exceedsCount(userId, count) {
      return unendedOf(userId).length > count;
    },
    async end(id, endReason) {
      const endTime = clock();
      const row = tables().sessions.get(id);
      const ended = row !== undefined && isLive(tables(), row, endTime);
      if (ended) tables().sessions.set(row.id, { ...row, endTime, endReason });
      const session = await find(id);
      return session && { session, ended };
    },
    async endAll(userId, endReason, except) {
      const endTime = clock();
      if (!tables().users.has(userId)) return false;
      const kept = tables().sessions.get(except ?? "");
      const isKept = kept?.userId === userId && isLive(tables(), kept, endTime);
      const epoch = epochOf(tables(), userId);
      tables().sessionEpochs.set(userId, epoch + 1);
      tables().sessionEnds.set(`${userId} ${epoch}`, { userId, epoch, endTime, endReason });
      if (isKept) tables().sessions.set(kept.id, { ...kept, epoch: epoch + 1 });
      return true;
    },
    async evict(userId, keep, limit) {
      const time = clock();
      const surplus = unendedOf(userId)
        .slice(0, keep + limit)
        .map((row) => ({ id: row.id, live: row.idleExpireTime > time }))
        .sort((a, b) => Number(b.live) - Number(a.live))
        .slice(keep);
      for (const { id } of surplus) tables().sessions.delete(id);
      return surplus.filter(({ live }) => live).map(({ id }) => id);
    },
    async settle(limit) {
      const [entry] = tables().sessionEnds;
      if (entry === undefined) return false;
      const [key, { userId, epoch, endTime, endReason }] = entry;
      const rows = [...tables().sessions.values()]
        .filter((row) => row.userId === userId && row.epoch === epoch && row.endTime === undefined)
        .slice(0, limit);
      for (const row of rows) tables().sessions.set(row.id, { ...row, endTime, endReason });
      if (rows.length < limit) tables().sessionEnds.delete(key);
      return true;
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
    begin: ({ id, userId, caller, audience, client, passwordHash, account }, { idleMs, absoluteMs }, event) =>
      statement((tables) => {
        const time = clock();
        if (!isActive(tables, userId, time)) return undefined;
        if (tables.passwordHashes.get(userId) !== passwordHash) return undefined;
        const earlier = tables.sessions.get(id);
        if (earlier && !(earlier.userId === userId && isOfEpoch(tables, earlier))) return undefined;
        addEvent(tables, event, time);
        forgive(tables, account ?? `users/${userId}`, time);
        if (earlier) return sessionAt(tables, earlier, time);
        const row: StoredSession = {
          id,
          userId,
          caller,
          audience,
          clientId: client.id,
          clientDisplayName: client.displayName,
          clientUserAgent: client.userAgent,
          clientIpAddress: client.ipAddress,
          state: "live",
          generation: 1,
          epoch: epochOf(tables, userId),
          repeats: 0,
          createTime: time,
          refreshTime: time,
          idleExpireTime: later(time, Math.min(idleMs, absoluteMs)),
          expireTime: later(time, absoluteMs),
          purgeTime: later(time, absoluteMs + keptForMs),
        };
        tables.sessions.set(id, row);
        return sessionAt(tables, row, time);
      }),
    refresh: ({ id, generation, caller }, { idleMs, leewayMs }, event) =>
      statement((tables) => {
        const time = clock();
        const row = tables.sessions.get(id);
        if (!row || !isLive(tables, row, time) || !isActive(tables, row.userId, time)) return undefined;
        if (caller !== undefined && row.caller !== caller) return undefined;
        if (row.generation < generation) return undefined;
        const repeated = row.generation === generation + 1 && later(row.refreshTime, leewayMs) > time;
        if (repeated && row.repeats >= countedRepeats) return sessionAt(tables, row, time);
        const [changed, about] =
          row.generation === generation
            ? [refreshed(row, time, idleMs), {}]
            : repeated
              ? [{ ...row, repeats: row.repeats + 1 }, { type: "refresh-token.repeated" } as const]
              : [{ ...row, endTime: time, endReason: "refresh-token-reused" } as const, reused];
        tables.sessions.set(id, changed);
        addEvent(tables, { ...event, userId: row.userId, objectId: id, ...about }, time);
        return sessionAt(tables, changed, time);
      }),
  };
}

const reused = {
  type: "refresh-token.reused",
  outcome: "refused",
  reason: "REFRESH_TOKEN_INVALID",
} as const;

function refreshed(row: StoredSession, time: Date, idleMs: number): StoredSession {
  return {
    ...row,
    generation: row.generation + 1,
    repeats: 0,
    refreshTime: time,
    idleExpireTime: earliest(row.expireTime, later(time, idleMs)),
  };
}

function sessionAt(tables: Tables, stored: StoredSession, time: Date): SessionSnapshot {
  const { purgeTime: _, epoch, repeats: __, ...row } = stored;
  const end = row.endTime === undefined ? tables.sessionEnds.get(`${row.userId} ${epoch}`) : row;
  const revoked = end?.endTime !== undefined && end.endTime <= row.idleExpireTime;
  const state = revoked ? "revoked" : row.idleExpireTime > time ? "live" : "expired";
  const { endTime, endReason } = (revoked ? end : undefined) ?? {};
  return { session: Session.fromRow({ ...row, state, endTime, endReason }), time };
}

function isLive(tables: Tables, row: StoredSession, time: Date): boolean {
  return row.endTime === undefined && row.idleExpireTime > time && isOfEpoch(tables, row);
}

function isOfEpoch(tables: Tables, { userId, epoch }: StoredSession): boolean {
  return epoch === epochOf(tables, userId);
}

function epochOf({ sessionEpochs }: Tables, userId: string): number {
  return sessionEpochs.get(userId) ?? 0;
}

function isActive({ users }: Tables, userId: string, time: Date): boolean {
  const user = users.get(userId);
  return user !== undefined && stateOf(user, time) === "active";
}

/** Whether a user that may sign in has a live session with an id. */
export function isLiveSessionOf(tables: Tables, id: string, userId: string, time: Date): boolean {
  const row = tables.sessions.get(id);
  return row?.userId === userId && isLive(tables, row, time) && isActive(tables, userId, time);
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
