import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import type { PageCursor } from "../../src/domain/page-tokens.ts";
import type { Session } from "../../src/domain/session/session.ts";
import type { RelationalRepository } from "../../src/interfaces/relationaldb/relational-repository.ts";
import { long, sessionActions } from "./session-actions.ts";

/** Sentence by sentence what is read of the sessions of the port. */
export function sessionReadContract(repositoryOf: () => RelationalRepository): void {
  const { find, statuses, list, end, insertUser, suspend, remove, anId, begun, expired } =
    sessionActions(repositoryOf);

  describe("the status of sessions", () => {
    test("is live where neither the session nor its user says otherwise, and missing where there is none", async () => {
      const [user, suspended, deleted] = [await insertUser(), await insertUser(), await insertUser()];
      const live = await begun(user.id);
      const ended = await begun(user.id);
      const idle = await begun(user.id, { ...long, idleMs: 30 });
      const over = await begun(user.id, { ...long, absoluteMs: 30 });
      const ofSuspended = await begun(suspended.id);
      const ofDeleted = await begun(deleted.id);
      await end(ended.id);
      await suspend(suspended);
      await remove(deleted);
      await Promise.all([expired(idle.id), expired(over.id)]);
      const sessions = [live, ended, idle, over, ofSuspended, ofDeleted];
      const found = await statuses([...sessions.map(({ id }) => id), randomUUID()]);
      expect(found).toHaveLength(sessions.length);
      for (const { id, userId } of sessions) {
        expect(found).toContainEqual({
          id,
          userId,
          live: id === live.id,
          revokedKeys: expect.any(Array),
          time: expect.any(Date),
        });
      }
    });

    test("is of one moment, which is now", async () => {
      const session = await begun(await anId());
      const another = await begun(await anId());
      const ended = await end(another.id);
      const found = await statuses([session.id, another.id]);
      expect(found[0]?.time).toEqual(found[1]?.time);
      expect(found[0]!.time.getTime()).toBeGreaterThanOrEqual(ended!.endTime!.getTime());
    });

    test("of no ids, of one twice, and of 1,000", async () => {
      const { id } = await begun(await anId());
      expect(await statuses([])).toEqual([]);
      expect(await statuses([id, id])).toHaveLength(1);
      const many = Array.from({ length: 999 }, () => randomUUID());
      expect((await statuses([...many, id])).map((status) => status.id)).toEqual([id]);
    });
  });

  describe("lists of sessions", () => {
    let userId: string;
    let everything: Session[];
    let live: Session[];

    beforeAll(async () => {
      userId = await anId();
      await begun(await anId());
      // Many at once, so that some are of one time; some are ended and some expire.
      const sessions = await Promise.all(
        Array.from({ length: 30 }, (_, i) => begun(userId, i % 5 === 4 ? { ...long, idleMs: 30 } : long)),
      );
      await Promise.all(
        sessions.map(async ({ id }, i) => {
          if (i % 5 === 3) await end(id);
          if (i % 5 === 4) await expired(id);
        }),
      );
      everything = [];
      for (const { id } of sessions) everything.push((await find(id))!);
      everything.sort((a, b) => (placeOf(a) > placeOf(b) ? -1 : 1));
      live = everything.filter(({ state }) => state === "live");
    });

    test("hold each session of the user and no other, youngest first", async () => {
      expect(new Set(everything.map(({ state }) => state)).size).toBe(3);
      expect(await list({ userId })).toEqual(everything);
    });

    test("hold only live ones where that is asked", async () => {
      expect(live).toHaveLength(18);
      expect(await list({ userId, liveOnly: true })).toEqual(live);
    });

    test("end at their limit", async () => {
      expect(await list({ userId, limit: 7 })).toEqual(everything.slice(0, 7));
      expect(await list({ userId, limit: 7, liveOnly: true })).toEqual(live.slice(0, 7));
    });

    test.each([false, true])("page by page hold each session once, live only: %s", async (liveOnly) => {
      for (const limit of [1, 4, 29]) {
        const pages: Session[] = [];
        let after: PageCursor | undefined;
        do {
          const page = await list({ userId, liveOnly, after, limit });
          pages.push(...page);
          after = page.at(-1);
        } while (after !== undefined);
        expect(pages).toEqual(liveOnly ? live : everything);
      }
    });

    test("go on by id where sessions are of one time", async () => {
      const [first] = everything;
      // Two places at the time of the youngest: before every id there is, and behind it.
      const before = { createTime: first!.createTime, id: "ffffffff-ffff-4fff-bfff-ffffffffffff" };
      const behind = { createTime: first!.createTime, id: "00000000-0000-4000-8000-000000000000" };
      expect(await list({ userId, after: before })).toEqual(everything);
      const younger = everything.filter(({ createTime }) => createTime < first!.createTime);
      expect(await list({ userId, after: behind })).toEqual(younger);
    });

    test("of a user without sessions, and of nobody, are empty", async () => {
      expect(await list({ userId: await anId() })).toEqual([]);
      expect(await list({ userId: randomUUID() })).toEqual([]);
    });
  });
}

function placeOf({ createTime, id }: Session): string {
  return `${createTime.toISOString()} ${id}`;
}
