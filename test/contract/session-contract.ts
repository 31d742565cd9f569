import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { RelationalRepository } from "../../src/interfaces/relationaldb/relational-repository.ts";
import type { NewSession } from "../../src/interfaces/relationaldb/session-repository.ts";
import { aSession, hour, long, sessionActions, sortedIds } from "./session-actions.ts";
import { aProfile, draftOf } from "./user-profiles.ts";

/** Sentence by sentence how sessions of the port begin. */
export function sessionContract(repositoryOf: () => RelationalRepository): void {
  const { begin, refresh, find, list, end, insertUser, suspend, remove, anId, begun, transaction } =
    sessionActions(repositoryOf);

  describe("a session that is begun", () => {
    test("is found as it was answered", async () => {
      const session = aSession(await anId());
      const answer = await begin(session, { ...long, idleMs: 60_000 });
      expect(answer?.session).toMatchObject({
        id: session.id,
        userId: session.userId,
        audience: session.audience,
        client: session.client,
        state: "live",
        generation: 1,
        endTime: undefined,
        endReason: undefined,
      });
      expect(await find(session.id)).toEqual(answer?.session);
    });

    test("begins at the time that is answered, and its limits count from there", async () => {
      const answer = await begin(aSession(await anId()), { ...long, idleMs: 60_000, absoluteMs: 90_000 });
      const { session, time } = answer!;
      expect(session.createTime).toEqual(time);
      expect(session.refreshTime).toEqual(time);
      expect(session.idleExpireTime.getTime()).toBe(time.getTime() + 60_000);
      expect(session.expireTime.getTime()).toBe(time.getTime() + 90_000);
    });

    test("is never idle longer than it lasts", async () => {
      const session = await begun(await anId(), { ...long, idleMs: 90_000, absoluteMs: 60_000 });
      expect(session.idleExpireTime).toEqual(session.expireTime);
    });

    test("keeps what a client says, empty or in any script", async () => {
      const userId = await anId();
      for (const client of [
        { id: "web", displayName: "", userAgent: "", ipAddress: "" },
        {
          id: "app",
          displayName: "Adas Gerät 📱 'x' \\",
          userAgent: 'U/1 ("a"; b)',
          ipAddress: "2001:db8::1",
        },
      ]) {
        const answer = await begin({ ...aSession(userId), client });
        expect(answer?.session.client).toEqual(client);
      }
    });

    test("is one of many that a user may have", async () => {
      const userId = await anId();
      const sessions = [await begun(userId), await begun(userId), await begun(userId)];
      expect(sortedIds(await list({ userId }))).toEqual(sortedIds(sessions));
    });
  });

  describe("no session is begun", () => {
    const refused = async (session: NewSession) => {
      expect(await begin(session)).toBeUndefined();
      expect(await find(session.id)).toBeUndefined();
      expect(await list({ userId: session.userId })).toEqual([]);
    };

    test("for a user whose password hash is another", async () => {
      await refused({ ...aSession(await anId()), passwordHash: "another" });
    });

    test("for a user without a password", async () => {
      const user = await transaction(({ users }) => users.insert(randomUUID(), aProfile()));
      await refused(aSession(user.id));
      await refused({ ...aSession(user.id), passwordHash: "" });
    });

    test("for a suspended or a deleted user", async () => {
      const [suspended, deleted] = [await insertUser(), await insertUser()];
      await suspend(suspended);
      await remove(deleted);
      await refused(aSession(suspended.id));
      await refused(aSession(deleted.id));
    });

    test("for nobody", async () => {
      await refused(aSession(randomUUID()));
    });

    test("but one is for a user whose suspension is over", async () => {
      const user = await insertUser();
      const past = new Date(Date.now() - hour);
      await transaction(({ users }) =>
        users.update(user, {
          ...draftOf(user),
          suspension: { reason: "r", startTime: past, untilTime: past },
        }),
      );
      expect((await begun(user.id)).state).toBe("live");
    });
  });

  describe("begun again with one id", () => {
    test("it is the session that there is, with its own client and limits", async () => {
      const session = aSession(await anId());
      const first = await begin(session);
      const again = await begin(
        { ...session, audience: "another", client: { ...session.client, id: "another" } },
        { ...long, idleMs: 1, absoluteMs: 1 },
      );
      expect(again?.session).toEqual(first?.session);
      expect(again!.time.getTime()).toBeGreaterThanOrEqual(first!.time.getTime());
      expect(await list({ userId: session.userId })).toEqual([first?.session]);
    });

    test("it is as it has become", async () => {
      const session = aSession(await anId());
      await begin(session);
      const refreshed = await refresh(session.id, 1);
      expect((await begin(session))?.session).toEqual(refreshed?.session);
      const ended = await end(session.id);
      expect((await begin(session))?.session).toEqual(ended);
    });

    test("it is not another user's", async () => {
      const session = await begun(await anId());
      expect(await begin({ ...aSession(await anId()), id: session.id })).toBeUndefined();
      expect(await find(session.id)).toEqual(session);
    });

    test("16 times at once, one session is begun and all get it", async () => {
      const session = aSession(await anId());
      const answers = await Promise.all(Array.from({ length: 16 }, () => begin(session)));
      for (const answer of answers) expect(answer?.session).toEqual(answers[0]?.session);
      expect(await list({ userId: session.userId })).toEqual([answers[0]?.session]);
    });
  });
}
