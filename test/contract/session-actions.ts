import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { EndReason, Session, SessionLimits } from "../../src/domain/session/session.ts";
import { now, type User } from "../../src/domain/user/user.ts";
import type {
  RelationalRepository,
  Repositories,
} from "../../src/interfaces/relationaldb/relational-repository.ts";
import type { NewSession, SessionQuery } from "../../src/interfaces/relationaldb/session-repository.ts";
import { aCall } from "../support/calls.ts";
import { anEvent } from "../support/events.ts";
import { aProfile, draftOf } from "./user-profiles.ts";

export const hour = 3_600_000;
/** Nothing expires during a test. */
export const long: SessionLimits = { idleMs: hour, absoluteMs: 24 * hour, leewayMs: hour, perUser: 100 };
/** Some milliseconds, which clocks and timers tell apart. */
export const tick = 10;
export const forGood = { reason: "fraud", startTime: now, untilTime: undefined } as const;

const passwordHash = "hash";

/** What can be done with sessions, each as a call of its own, and what sessions can be made. */
export function sessionActions(repositoryOf: () => RelationalRepository) {
  const transaction = <T>(work: (repositories: Repositories) => Promise<T>) =>
    repositoryOf().transaction(aCall(), work);
  const begin = (session: NewSession, limits = long, event = anEvent({ type: "session.begun" })) =>
    repositoryOf().statement(aCall()).sessions.begin(session, limits, event);
  const refresh = (
    id: string,
    generation: number,
    limits = long,
    event = anEvent({ type: "session.refreshed" }),
    caller: string | undefined = undefined,
  ) => repositoryOf().statement(aCall()).sessions.refresh({ id, generation, caller }, limits, event);
  const settle = async (limit = 500) => {
    while (await transaction(({ sessions }) => sessions.settle(limit)));
  };
  const find = (id: string) => repositoryOf().read(aCall()).sessions.find(id);
  const statuses = (ids: readonly string[]) => repositoryOf().read(aCall()).sessions.statuses(ids);
  const list = (query: Partial<SessionQuery> & { userId: string }) =>
    repositoryOf()
      .read(aCall())
      .sessions.list({ liveOnly: false, after: undefined, limit: 1_000, ...query });
  const end = async (id: string, reason: EndReason = "revoked") =>
    (await transaction(({ sessions }) => sessions.end(id, reason)))?.session;
  const endAll = (userId: string, reason: EndReason = "revoked", except?: string) =>
    transaction(({ sessions }) => sessions.endAll(userId, reason, except));

  /** A user who may sign in. */
  const insertUser = () =>
    transaction(async ({ users, credentials }) => {
      const user = await users.insert(randomUUID(), aProfile());
      await credentials.put(user.id, passwordHash);
      return user;
    });
  const suspend = (user: User) =>
    transaction(({ users }) => users.update(user, { ...draftOf(user), suspension: forGood }));
  const remove = (user: User) =>
    transaction(({ users }) => users.update(user, { ...draftOf(user), deleteTime: now }));
  const anId = async () => (await insertUser()).id;

  const begun = async (userId: string, limits = long): Promise<Session> => {
    const answer = await begin(aSession(userId), limits);
    if (answer === undefined) throw new Error("no session was begun");
    return answer.session;
  };
  /** A session of a new user that is at a generation. */
  const atGeneration = async (generation: number, limits = long): Promise<Session> => {
    let session = await begun(await anId(), limits);
    while (session.generation < generation) {
      const answer = await refresh(session.id, session.generation, limits);
      if (answer === undefined) throw new Error("the session was not refreshed");
      session = answer.session;
    }
    return session;
  };
  /** Waits until a session has expired. */
  const expired = async (id: string): Promise<Session> => {
    for (let i = 0; i < 500; i++) {
      const session = await find(id);
      if (session?.state === "expired") return session;
      await sleep(tick);
    }
    throw new Error("the session does not expire");
  };

  return {
    transaction,
    begin,
    refresh,
    find,
    statuses,
    list,
    end,
    endAll,
    settle,
    insertUser,
    suspend,
    remove,
    anId,
    begun,
    atGeneration,
    expired,
  };
}

/** A sign-in with the password that users have here. */
export function aSession(userId: string): NewSession {
  return {
    id: randomUUID(),
    userId,
    caller: "spiffe://example.org/web",
    audience: "https://api.example.com",
    client: { id: "web", displayName: "Ada's phone", userAgent: "Mozilla/5.0", ipAddress: "192.0.2.1" },
    passwordHash,
  };
}

export function sortedIds(sessions: readonly Session[]): string[] {
  return sessions.map(({ id }) => id).sort();
}
