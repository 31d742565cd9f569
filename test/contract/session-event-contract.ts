import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { AuditEvent, NewEvent } from "../../src/domain/audit/event.ts";
import type { RelationalRepository } from "../../src/interfaces/relationaldb/relational-repository.ts";
import { aCall } from "../support/calls.ts";
import { anEvent } from "../support/events.ts";
import { aSession, long, sessionActions } from "./session-actions.ts";

/** Sentence by sentence the events that statements of sessions write. */
export function sessionEventContract(repositoryOf: () => RelationalRepository): void {
  const { begin, refresh, end, anId, begun, atGeneration, transaction } = sessionActions(repositoryOf);
  const eventsOf = (userId: string): Promise<AuditEvent[]> =>
    repositoryOf().read(aCall()).events.list({
      userId,
      types: [],
      outcome: undefined,
      caller: undefined,
      createdAfter: undefined,
      createdBefore: undefined,
      after: undefined,
      limit: 100,
    });
  /** What there is beside what there was. */
  const newSince = async (before: readonly AuditEvent[], userId: string) => {
    const known = new Set(before.map(({ id }) => id));
    return (await eventsOf(userId)).filter(({ id }) => !known.has(id));
  };
  const written = ({ keptForMs: _, ...event }: NewEvent) => ({ ...event, createTime: expect.any(Date) });

  describe("the event of a session that is begun", () => {
    test("is written with it, once however often it is begun", async () => {
      const session = aSession(await anId());
      const event = anEvent({ type: "session.begun", userId: session.userId, objectId: session.id });
      await begin(session, long, event);
      expect(await eventsOf(session.userId)).toEqual([written(event)]);
      await Promise.all(Array.from({ length: 8 }, () => begin(session, long, event)));
      expect(await eventsOf(session.userId)).toEqual([written(event)]);
    });

    test("is not written where none begins", async () => {
      const userId = await anId();
      const event = anEvent({ type: "session.begun", userId });
      expect(await begin({ ...aSession(userId), passwordHash: "another" }, long, event)).toBeUndefined();
      expect(await eventsOf(userId)).toEqual([]);
    });
  });

  describe("the event of a refresh", () => {
    const refreshed = () => anEvent({ type: "session.refreshed", userId: undefined });

    test("is written with it, about the session and its user", async () => {
      const { id, userId } = await begun(await anId());
      const event = refreshed();
      const before = await eventsOf(userId);
      await refresh(id, 1, long, event);
      expect(await newSince(before, userId)).toEqual([written({ ...event, userId, objectId: id })]);
    });

    test("is not written where nothing is refreshed: in the future, after the end, by another caller", async () => {
      const { id, userId } = await atGeneration(2);
      const before = await eventsOf(userId);
      expect(await refresh(id, 2, long, refreshed(), "another")).toBeUndefined();
      expect(await refresh(id, 3, long, refreshed())).toBeUndefined();
      await end(id);
      expect(await refresh(id, 2, long, refreshed())).toBeUndefined();
      expect(await refresh(randomUUID(), 1, long, refreshed())).toBeUndefined();
      expect(await newSince(before, userId)).toEqual([]);
    });

    test("tells of a token that was used again, and of that once", async () => {
      const { id, userId } = await atGeneration(3);
      const before = await eventsOf(userId);
      const event = refreshed();
      expect((await refresh(id, 1, long, event))?.session.state).toBe("revoked");
      await refresh(id, 1, long, refreshed());
      await refresh(id, 3, long, refreshed());
      expect(await newSince(before, userId)).toEqual([
        {
          ...written({ ...event, userId, objectId: id }),
          type: "refresh-token.reused",
          outcome: "refused",
          reason: "REFRESH_TOKEN_INVALID",
        },
      ]);
    });

    test("tells of a token that is repeated within the leeway, three times for each token", async () => {
      const { id, userId } = await begun(await anId());
      for (const generation of [1, 2]) {
        await refresh(id, generation, long, refreshed());
        const before = await eventsOf(userId);
        const events = Array.from({ length: 5 }, () => ({ ...refreshed(), clientAddress: "192.0.2.7" }));
        for (const event of events) await refresh(id, generation, long, event);
        const repeated = (event: NewEvent) => ({
          ...written({ ...event, userId, objectId: id }),
          type: "refresh-token.repeated",
        });
        const found = new Map((await newSince(before, userId)).map((event) => [event.id, event]));
        expect(events.map(({ id }) => found.get(id))).toEqual([
          ...events.slice(0, 3).map(repeated),
          undefined,
          undefined,
        ]);
      }
    });

    test("32 times at once with one token is one, and three of its repetition", async () => {
      const { id, userId } = await begun(await anId());
      const before = await eventsOf(userId);
      await Promise.all(Array.from({ length: 32 }, () => refresh(id, 1, long, refreshed())));
      const types = (await newSince(before, userId)).map(({ type }) => type).sort();
      const repeated = "refresh-token.repeated";
      expect(types).toEqual([repeated, repeated, repeated, "session.refreshed"]);
    });
  });

  test("an end says whether it has ended the session", async () => {
    const { id } = await begun(await anId());
    const first = await transaction(({ sessions }) => sessions.end(id, "revoked"));
    const second = await transaction(({ sessions }) => sessions.end(id, "user-deleted"));
    expect(first?.ended).toBe(true);
    expect(second).toEqual({ session: first?.session, ended: false });
    expect(await transaction(({ sessions }) => sessions.end(randomUUID(), "revoked"))).toBeUndefined();
  });

  test("an end of all says whether there is such a user", async () => {
    const userId = await anId();
    await begun(userId);
    const endAll = (id: string) => transaction(({ sessions }) => sessions.endAll(id, "revoked", undefined));
    expect(await endAll(userId)).toBe(true);
    expect(await endAll(userId)).toBe(true);
    expect(await endAll(randomUUID())).toBe(false);
  });
}
