import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Session } from "../../src/domain/session/session.ts";
import type { RelationalRepository } from "../../src/interfaces/relationaldb/relational-repository.ts";
import { aCancellableCall } from "../support/calls.ts";
import { anEvent } from "../support/events.ts";
import { aSession, hour, long, sessionActions, tick } from "./session-actions.ts";

/** Sentence by sentence how sessions of the port are refreshed. */
export function sessionRefreshContract(repositoryOf: () => RelationalRepository): void {
  const { refresh, find, list, end, insertUser, suspend, remove, anId, begun, atGeneration, expired } =
    sessionActions(repositoryOf);

  describe("a refresh", () => {
    test("counts the generation up by one, and begins the time without a refresh again", async () => {
      const session = await begun(await anId(), { ...long, idleMs: 60_000 });
      await sleep(tick);
      const answer = await refresh(session.id, 1, { ...long, idleMs: 120_000 });
      const { session: refreshed, time } = answer!;
      expect(time.getTime()).toBeGreaterThan(session.refreshTime.getTime());
      expect(refreshed).toEqual({
        ...session,
        generation: 2,
        refreshTime: time,
        idleExpireTime: new Date(time.getTime() + 120_000),
      });
      expect(await find(session.id)).toEqual(refreshed);
    });

    test("is made as often as the session lasts", async () => {
      expect((await atGeneration(12)).state).toBe("live");
    });

    test("never moves the limit in all, and never the other one past it", async () => {
      const session = await begun(await anId(), { ...long, idleMs: 30_000, absoluteMs: 60_000 });
      const answer = await refresh(session.id, 1, { ...long, idleMs: 10 * hour, absoluteMs: 20 * hour });
      expect(answer?.session.expireTime).toEqual(session.expireTime);
      expect(answer?.session.idleExpireTime).toEqual(session.expireTime);
    });

    test("with the token before, within the leeway, answers the same again and changes nothing", async () => {
      const session = await atGeneration(3);
      const otherLimits = { ...long, idleMs: 2 * hour };
      for (let i = 0; i < 3; i++) {
        const answer = await refresh(session.id, 2, otherLimits);
        expect(answer?.session).toEqual(session);
        expect(answer!.time.getTime()).toBeGreaterThanOrEqual(session.refreshTime.getTime());
      }
      expect(await find(session.id)).toEqual(session);
    });

    test("with the token before, after the leeway, ends the session", async () => {
      const limits = { ...long, leewayMs: 30 };
      const session = await atGeneration(2, limits);
      await sleep(limits.leewayMs + tick);
      const answer = await refresh(session.id, 1, limits);
      expect(answer?.session).toEqual({
        ...session,
        state: "revoked",
        endTime: answer?.time,
        endReason: "refresh-token-reused",
      });
      expect(await find(session.id)).toEqual(answer?.session);
      expect(await refresh(session.id, 2, limits)).toBeUndefined();
    });

    test("with the token before, without any leeway, ends the session", async () => {
      const limits = { ...long, leewayMs: 0 };
      const session = await atGeneration(2, limits);
      await sleep(tick);
      expect((await refresh(session.id, 1, limits))?.session.endReason).toBe("refresh-token-reused");
      expect((await find(session.id))?.state).toBe("revoked");
    });

    test("counts the leeway from the last refresh, not from the beginning", async () => {
      const limits = { ...long, leewayMs: 200 };
      const session = await begun(await anId(), limits);
      await sleep(limits.leewayMs + tick);
      const refreshed = (await refresh(session.id, 1, limits))!;
      const again = (await refresh(session.id, 1, limits))!;
      // On a machine that took so long in between, there is nothing to see.
      const isInTime = again.time.getTime() - refreshed.time.getTime() < limits.leewayMs - tick;
      if (isInTime) expect(again.session).toEqual(refreshed.session);
    });

    test.each([1, 2])(
      "with a token %i before the one before ends the session, also within the leeway",
      async (more) => {
        const session = await atGeneration(4);
        const answer = await refresh(session.id, 3 - more);
        expect(answer?.session).toEqual({
          ...session,
          state: "revoked",
          endTime: answer?.time,
          endReason: "refresh-token-reused",
        });
        expect(await find(session.id)).toEqual(answer?.session);
        for (const generation of [1, 2, 3, 4]) expect(await refresh(session.id, generation)).toBeUndefined();
        expect(await find(session.id)).toEqual(answer?.session);
      },
    );

    test.each([1, 2, 1_000])("with a token of %i generations later changes nothing", async (ahead) => {
      const session = await atGeneration(2);
      expect(await refresh(session.id, session.generation + ahead)).toBeUndefined();
      expect(await find(session.id)).toEqual(session);
    });

    test("of what is not there answers nothing", async () => {
      expect(await refresh(randomUUID(), 1)).toBeUndefined();
    });

    test("of a session that was ended answers nothing, and it stays as it was", async () => {
      const session = await atGeneration(3);
      const ended = await end(session.id, "password-changed");
      for (const generation of [1, 2, 3, 4]) expect(await refresh(session.id, generation)).toBeUndefined();
      expect(await find(session.id)).toEqual(ended);
    });

    test("of a session that was idle too long answers nothing", async () => {
      const session = await begun(await anId());
      const refreshed = await refresh(session.id, 1, { ...long, idleMs: 50 });
      const after = await expired(session.id);
      expect(after).toEqual({ ...refreshed?.session, state: "expired" });
      for (const generation of [1, 2, 3]) expect(await refresh(session.id, generation)).toBeUndefined();
      expect(await find(session.id)).toEqual(after);
    });

    test("does not keep a session alive past its limit in all", async () => {
      const limits = { ...long, absoluteMs: 500 };
      const session = await begun(await anId(), limits);
      let last: Session = session;
      for (let i = 0; i < 500; i++) {
        const answer = await refresh(session.id, last.generation, limits);
        if (answer === undefined) break;
        last = answer.session;
        expect(answer.time.getTime()).toBeLessThanOrEqual(session.expireTime.getTime());
        await sleep(tick);
      }
      expect(last.generation).toBeGreaterThan(1);
      expect(last.expireTime).toEqual(session.expireTime);
      expect(await find(session.id)).toEqual({ ...last, state: "expired" });
    });

    test("of a suspended or a deleted user's session answers nothing and changes nothing", async () => {
      for (const take of [suspend, remove]) {
        const user = await insertUser();
        const session = await begun(user.id);
        const refreshed = (await refresh(session.id, 1))?.session;
        await take(user);
        for (const generation of [1, 2]) expect(await refresh(session.id, generation)).toBeUndefined();
        expect(await find(session.id)).toEqual(refreshed);
      }
    });

    test("32 times at once of one generation makes one new one, which all answer", async () => {
      const session = await begun(await anId());
      const answers = await Promise.all(Array.from({ length: 32 }, () => refresh(session.id, 1)));
      const after = await find(session.id);
      expect(after?.generation).toBe(2);
      expect(after?.state).toBe("live");
      for (const answer of answers) expect(answer?.session).toEqual(after);
    });

    test("32 times at once without any leeway makes one new generation at most, and ends the session", async () => {
      const session = await begun(await anId());
      await Promise.all(Array.from({ length: 32 }, () => refresh(session.id, 1, { ...long, leewayMs: 0 })));
      await sleep(tick);
      await refresh(session.id, 1, { ...long, leewayMs: 0 });
      const after = await find(session.id);
      expect(after).toMatchObject({ state: "revoked", generation: 2, endReason: "refresh-token-reused" });
    });

    test("by the caller that began the session is made, and by another answers nothing and changes nothing", async () => {
      const session = await atGeneration(3);
      for (const generation of [1, 2, 3]) {
        expect(await refresh(session.id, generation, long, anEvent(), "another")).toBeUndefined();
      }
      expect(await find(session.id)).toEqual(session);
      const refreshed = await refresh(session.id, 3, long, anEvent(), session.caller);
      expect(refreshed?.session.generation).toBe(4);
    });

    test("is not begun for a call that is aborted", async () => {
      const session = await begun(await anId());
      const { call, cancel } = aCancellableCall();
      const gone = new Error("gone");
      cancel(gone);
      const { sessions } = repositoryOf().statement(call);
      const attempt = { id: session.id, generation: 1, caller: undefined };
      await expect((async () => sessions.refresh(attempt, long, anEvent()))()).rejects.toBe(gone);
      await expect((async () => sessions.begin(aSession(session.userId), long, anEvent()))()).rejects.toBe(
        gone,
      );
      expect(await list({ userId: session.userId })).toEqual([session]);
    });
  });
}
