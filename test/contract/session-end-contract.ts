import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Session } from "../../src/domain/session/session.ts";
import type { RelationalRepository } from "../../src/interfaces/relationaldb/relational-repository.ts";
import { aCall } from "../support/calls.ts";
import { stress } from "../support/stress.ts";
import { aSession, forGood, hour, long, sessionActions, sortedIds, tick } from "./session-actions.ts";
import { draftOf } from "./user-profiles.ts";

/** Sentence by sentence how sessions of the port end and are forgotten. */
export function sessionEndContract(repositoryOf: () => RelationalRepository): void {
  const {
    begin,
    refresh,
    find,
    statuses,
    list,
    end,
    endAll,
    settle,
    insertUser,
    anId,
    begun,
    atGeneration,
    expired,
    transaction,
  } = sessionActions(repositoryOf);

  describe("an end", () => {
    test("ends a session at the time of the statement, for its reason", async () => {
      const session = await atGeneration(2);
      const ended = await end(session.id, "user-deleted");
      expect(ended).toEqual({
        ...session,
        state: "revoked",
        endTime: expect.any(Date),
        endReason: "user-deleted",
      });
      expect(ended!.endTime!.getTime()).toBeGreaterThanOrEqual(session.refreshTime.getTime());
      expect(await find(session.id)).toEqual(ended);
    });

    test("made again keeps the first time and reason", async () => {
      const { id } = await begun(await anId());
      const first = await end(id, "user-suspended");
      await sleep(tick);
      expect(await end(id, "revoked")).toEqual(first);
      expect(await find(id)).toEqual(first);
    });

    test("of an expired session answers it as it is", async () => {
      const { id } = await begun(await anId(), { ...long, idleMs: 30 });
      const before = await expired(id);
      expect(await end(id)).toEqual(before);
      expect(await find(id)).toEqual(before);
    });

    test("of what is not there is undefined", async () => {
      expect(await find(randomUUID())).toBeUndefined();
      expect(await end(randomUUID())).toBeUndefined();
    });

    test("is undone where the transaction throws", async () => {
      const session = await begun(await anId());
      const error = new Error("no");
      const work = transaction(async ({ sessions }) => {
        await sessions.end(session.id, "revoked");
        expect((await sessions.find(session.id))?.state).toBe("revoked");
        throw error;
      });
      await expect(work).rejects.toBe(error);
      expect(await find(session.id)).toEqual(session);
    });
  });

  describe("an end of all", () => {
    test.each([false, true])("ends the live sessions of one user, settled: %s", async (settled) => {
      const [userId, otherId] = [await anId(), await anId()];
      const live = [await begun(userId), await begun(userId)];
      const other = await begun(otherId);
      const gone = await begun(userId);
      const endedBefore = await end(gone.id, "revoked");
      const idle = await begun(userId, { ...long, idleMs: 30 });
      const idleBefore = await expired(idle.id);
      await endAll(userId, "password-changed");
      if (settled) await settle();
      for (const session of live) {
        expect(await find(session.id)).toEqual({
          ...session,
          state: "revoked",
          endTime: expect.any(Date),
          endReason: "password-changed",
        });
      }
      expect(await find(gone.id)).toEqual(endedBefore);
      expect(await find(idle.id)).toEqual(idleBefore);
      expect(await find(other.id)).toEqual(other);
      expect(await list({ userId, liveOnly: true })).toEqual([]);
      expect(sortedIds(await list({ userId }))).toEqual(sortedIds([...live, gone, idle]));
      for (const status of await statuses(live.map(({ id }) => id))) expect(status.live).toBe(false);
      for (const { id } of live) expect(await refresh(id, 1)).toBeUndefined();
    });

    test("ends all but one", async () => {
      const userId = await anId();
      const [kept, ...others] = [await begun(userId), await begun(userId), await begun(userId)];
      for (let round = 0; round < 2; round++) {
        await endAll(userId, "password-changed", kept?.id);
        expect(await find(kept!.id)).toEqual(kept);
        for (const { id } of others) expect((await find(id))?.state).toBe("revoked");
      }
      expect((await refresh(kept!.id, 1))?.session.state).toBe("live");
      await endAll(userId, "password-changed", randomUUID());
      expect((await find(kept!.id))?.state).toBe("revoked");
    });

    test("does not bring back the one that it is to keep, where that has ended or is another user's", async () => {
      const userId = await anId();
      const [ended, endedWithAll, other] = [
        await begun(userId),
        await begun(userId),
        await begun(await anId()),
      ];
      const first = await end(ended.id);
      await endAll(userId, "user-suspended");
      const withAll = await find(endedWithAll.id);
      for (const kept of [ended, endedWithAll, other]) await endAll(userId, "revoked", kept.id);
      expect(await find(ended.id)).toEqual(first);
      expect(await find(endedWithAll.id)).toEqual(withAll);
      expect(await find(other.id)).toEqual(other);
      expect(await list({ userId, liveOnly: true })).toEqual([]);
    });

    test.each([false, true])("made again keeps the first time and reason, settled: %s", async (settled) => {
      const userId = await anId();
      const first = await begun(userId);
      await endAll(userId, "password-changed");
      const ended = await find(first.id);
      await sleep(tick);
      const second = await begun(userId);
      await endAll(userId, "user-suspended");
      if (settled) await settle(1);
      expect(await find(first.id)).toEqual(ended);
      expect((await find(second.id))?.endReason).toBe("user-suspended");
    });

    test("leaves sessions alone that begin afterwards, also when it is settled", async () => {
      const userId = await anId();
      await begun(userId);
      await endAll(userId);
      const session = await begun(userId);
      await settle();
      expect(await find(session.id)).toEqual(session);
      expect(await list({ userId, liveOnly: true })).toEqual([session]);
    });

    test("leaves a session that has ended with it ended, whatever else ends it", async () => {
      const { id, userId } = await begun(await anId());
      await endAll(userId, "password-changed");
      const ended = await find(id);
      expect(await end(id, "revoked")).toEqual(ended);
      expect(await begin({ ...aSession(userId), id })).toBeUndefined();
      expect(await find(id)).toEqual(ended);
    });

    test("is undone where the transaction throws", async () => {
      const user = await insertUser();
      const session = await begun(user.id);
      const error = new Error("no");
      const work = transaction(async ({ users, sessions }) => {
        await users.update(user, { ...draftOf(user), suspension: forGood });
        await sessions.endAll(user.id, "user-suspended", undefined);
        expect((await sessions.find(session.id))?.state).toBe("revoked");
        throw error;
      });
      await expect(work).rejects.toBe(error);
      expect(await find(session.id)).toEqual(session);
      expect((await statuses([session.id]))[0]?.live).toBe(true);
    });

    test("with a suspension, at the same time as sessions are begun, leaves none that is live", async () => {
      for (let round = 0; round < stress(25, 250); round++) {
        const user = await insertUser();
        const beginning = Array.from({ length: 6 }, async (_, i) => {
          await sleep(i);
          return begin(aSession(user.id));
        });
        const suspending = transaction(async ({ users, sessions }) => {
          await users.update(user, { ...draftOf(user), suspension: forGood });
          await sessions.endAll(user.id, "user-suspended", undefined);
        });
        const [answers] = await Promise.all([Promise.all(beginning), suspending]);
        expect(await list({ userId: user.id, liveOnly: true })).toEqual([]);
        const sessions = await list({ userId: user.id });
        // Whoever was told of a session has one that was ended; nobody else has any.
        expect(sortedIds(sessions)).toEqual(sortedIds(answers.flatMap((answer) => answer?.session ?? [])));
        for (const { endReason } of sessions) expect(endReason).toBe("user-suspended");
      }
    });

    test("with a new password, at the same time as sessions are begun with the old one, leaves none", async () => {
      for (let round = 0; round < stress(15, 250); round++) {
        const userId = await anId();
        const beginning = Array.from({ length: 4 }, () => begin(aSession(userId)));
        const changing = transaction(async ({ credentials, sessions }) => {
          await credentials.put(userId, "another");
          await sessions.endAll(userId, "password-changed", undefined);
        });
        await Promise.all([...beginning, changing]);
        expect(await list({ userId, liveOnly: true })).toEqual([]);
      }
    });
  });

  describe("a refresh at the same time as an end", () => {
    const rounds = stress(12, 150);

    test.each([
      { name: "end", endOf: (session: Session) => end(session.id) },
      { name: "endAll", endOf: (session: Session) => endAll(session.userId) },
    ])("$name: the session is ended, and nothing refreshes it afterwards", async ({ endOf }) => {
      for (let round = 0; round < rounds; round++) {
        const session = await begun(await anId());
        let generation = 1;
        let hasEnded = false;
        const refreshing = async () => {
          for (let i = 0; i < 20; i++) {
            const wasEnded = hasEnded;
            const answer = await refresh(session.id, generation);
            if (answer === undefined) return;
            expect(wasEnded).toBe(false);
            expect(answer.session.state).toBe("live");
            generation = answer.session.generation;
          }
        };
        const ending = async () => {
          await sleep(Math.random() * 10);
          await endOf(session);
          hasEnded = true;
        };
        await Promise.all([refreshing(), ending()]);
        expect(await refresh(session.id, generation)).toBeUndefined();
        expect(await find(session.id)).toMatchObject({ state: "revoked", endReason: "revoked", generation });
      }
    });
  });

  describe("an eviction", () => {
    const exceedsCount = (userId: string, count: number) =>
      repositoryOf().read(aCall()).sessions.exceedsCount(userId, count);
    const evict = (userId: string, keep: number, limit = 10) =>
      transaction(({ sessions }) => sessions.evict(userId, keep, limit));
    const someBegun = async (userId: string, count: number) => {
      const sessions: Session[] = [];
      for (let i = 0; i < count; i++) {
        sessions.push(await begun(userId));
        await sleep(tick);
      }
      return sessions;
    };

    test("deletes the oldest sessions beyond those to keep, and answers them", async () => {
      const userId = await anId();
      const other = await begun(await anId());
      const sessions = await someBegun(userId, 5);
      expect(await exceedsCount(userId, 4)).toBe(true);
      expect(await exceedsCount(userId, 5)).toBe(false);
      const evicted = await evict(userId, 3);
      expect(evicted.sort()).toEqual(sortedIds(sessions.slice(0, 2)));
      for (const id of evicted) expect(await find(id)).toBeUndefined();
      expect(sortedIds(await list({ userId }))).toEqual(sortedIds(sessions.slice(2)));
      expect(await exceedsCount(userId, 3)).toBe(false);
      expect(await evict(userId, 3)).toEqual([]);
      expect(await find(other.id)).toEqual(other);
    });

    test("deletes so many at most, and as many the next time", async () => {
      const userId = await anId();
      await someBegun(userId, 5);
      expect(await evict(userId, 1, 2)).toHaveLength(2);
      expect(await evict(userId, 1, 2)).toHaveLength(2);
      expect(await evict(userId, 1, 2)).toHaveLength(0);
    });

    test("deletes expired sessions first, and does not answer them", async () => {
      const userId = await anId();
      const live = await someBegun(userId, 2);
      const idle = await begun(userId, { ...long, idleMs: 1 });
      await expired(idle.id);
      expect(await exceedsCount(userId, 2)).toBe(true);
      expect(await evict(userId, 2)).toEqual([]);
      expect(sortedIds(await list({ userId }))).toEqual(sortedIds(live));
    });

    test("does not count sessions that were ended, and keeps them", async () => {
      const userId = await anId();
      const before = await someBegun(userId, 2);
      await endAll(userId);
      const [first, ...others] = await someBegun(userId, 3);
      await end(first!.id);
      expect(await exceedsCount(userId, 2)).toBe(false);
      expect(await evict(userId, 2)).toEqual([]);
      expect(sortedIds(await list({ userId }))).toEqual(sortedIds([...before, first!, ...others]));
    });

    test("of nobody is of none", async () => {
      expect(await exceedsCount(randomUUID(), 0)).toBe(false);
      expect(await evict(randomUUID(), 0)).toEqual([]);
    });
  });

  describe("a sweep", () => {
    const week = 7 * 24 * hour;
    const sweep = (limit: number) => transaction(({ sessions }) => sessions.sweep(limit));
    /** A session whose absolute limit is so long ago: nothing else can make one old. */
    const endedAgo = (userId: string, ms: number) => begun(userId, { ...long, idleMs: 1, absoluteMs: -ms });

    test("forgets sessions a week after their limit in all, so many at a time", async () => {
      while ((await sweep(1_000)) > 0);
      const userId = await anId();
      const old = [];
      for (let i = 0; i < 5; i++) old.push(await endedAgo(userId, week + 1_000));
      const young = await endedAgo(userId, week - 60_000);
      const live = await begun(userId);
      const ended = await begun(userId);
      await end(ended.id);
      expect(await sweep(2)).toBe(2);
      expect(await list({ userId })).toHaveLength(6);
      expect(await sweep(1_000)).toBe(3);
      expect(await sweep(1_000)).toBe(0);
      for (const { id } of old) expect(await find(id)).toBeUndefined();
      expect(sortedIds(await list({ userId }))).toEqual(sortedIds([young, live, ended]));
    });

    test("forgets the oldest first", async () => {
      const userId = await anId();
      const younger = await endedAgo(userId, week + 60_000);
      const older = await endedAgo(userId, week + 120_000);
      expect(await sweep(1)).toBe(1);
      expect(await find(older.id)).toBeUndefined();
      expect(await find(younger.id)).toBeDefined();
      expect(await sweep(1)).toBe(1);
    });
  });
}
