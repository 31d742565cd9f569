import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import type { NewEvent } from "../../src/domain/audit/event.ts";
import type { EventQuery } from "../../src/interfaces/relationaldb/event-repository.ts";
import type {
  RelationalRepository,
  Repositories,
} from "../../src/interfaces/relationaldb/relational-repository.ts";
import { aCall } from "../support/calls.ts";
import { anEvent } from "../support/events.ts";

const everything: EventQuery = {
  userId: undefined,
  types: [],
  outcome: undefined,
  caller: undefined,
  createdAfter: undefined,
  createdBefore: undefined,
  after: undefined,
  limit: 1_000,
};

/** Sentence by sentence the events of the port. */
export function eventContract(repositoryOf: () => RelationalRepository): void {
  const transaction = <T>(work: (repositories: Repositories) => Promise<T>) =>
    repositoryOf().transaction(aCall(), work);
  const read = () => repositoryOf().read(aCall()).events;
  const add = (...added: NewEvent[]) => transaction(({ events }) => events.add(...added));
  const list = (query: Partial<EventQuery>) => read().list({ ...everything, ...query });
  const place = (limit = 500) => transaction(({ events }) => events.place(limit));
  const sweep = (limit = 500) => transaction(({ events }) => events.sweep(limit));
  const idsBehind = async (position: number) => (await read().listAfter(position, 1_000)).map(({ id }) => id);

  // First, while there is nothing that would have to be kept.
  test("a place that was given is never given again, though all events are forgotten", async () => {
    await add(anEvent({ keptForMs: -1 }));
    await place();
    expect(await sweep()).toBe(1);
    expect(await idsBehind(0)).toEqual([]);
    expect(await read().head()).toBe(1);
    const next = anEvent({ keptForMs: -1 });
    await add(next);
    await place();
    expect(await read().listAfter(0, 10)).toMatchObject([{ id: next.id, position: 2 }]);
    expect(await sweep()).toBe(1);
  });

  test("a sweep of events forgets those whose time has come, from the first place on", async () => {
    const [old, older, young, behind] = [0, -1, 90_000, 0].map((keptForMs) => anEvent({ keptForMs }));
    for (const event of [old, older, young, behind]) await add(event!);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await sweep()).toBe(0);
    expect(await place()).toBe(4);
    expect(await sweep(1)).toBe(1);
    expect(await sweep()).toBe(1);
    expect(await sweep()).toBe(0);
    expect(await idsBehind(0)).toEqual([young?.id, behind?.id]);
    expect(await list({ userId: old?.userId })).toEqual([]);
  });

  describe("an event", () => {
    test("is listed as it was added, at the time of the database", async () => {
      const event = anEvent({
        type: "session.begun",
        outcome: "failure",
        reason: "CREDENTIALS_INVALID",
        objectId: randomUUID(),
        changedFields: ["email", "display_name"],
        clientAddress: "2001:db8::1",
      });
      await add(event);
      const [listed, ...others] = await list({ userId: event.userId });
      const { keptForMs: _, ...written } = event;
      expect(listed).toEqual({ ...written, createTime: expect.any(Date) });
      expect(Math.abs(listed!.createTime.getTime() - Date.now())).toBeLessThan(60_000);
      expect(others).toEqual([]);
    });

    test("may be about nobody, of nobody and without a reason", async () => {
      const event = anEvent({
        type: "signing-key.added",
        userId: undefined,
        objectId: randomUUID(),
        caller: `auth-${randomUUID()}`,
        address: "",
        requestId: "",
      });
      await add(event);
      const [listed] = await list({ caller: event.caller });
      expect(listed).toMatchObject({ id: event.id, objectId: event.objectId, address: "", requestId: "" });
      expect(listed?.userId).toBeUndefined();
      expect(listed?.reason).toBeUndefined();
    });

    test("is listed as it was added, also among others that are new", async () => {
      const caller = `auth-${randomUUID()}`;
      const event = anEvent({
        reason: "CREDENTIALS_INVALID",
        objectId: '"\\',
        changedFields: ["email", "display_name"],
        caller,
        clientAddress: "2001:db8::1",
      });
      const other = anEvent({ userId: undefined, caller, requestId: "" });
      await transaction(({ events }) => events.addNew([event, other]));
      const listed = await list({ caller });
      for (const { keptForMs: _, ...written } of [event, other]) {
        expect(listed.find(({ id }) => id === written.id)).toMatchObject(JSON.parse(JSON.stringify(written)));
      }
      expect(listed).toHaveLength(2);
    });

    test("that is not new, though it was added as new, fails the transaction", async () => {
      const [event, other] = [anEvent(), anEvent()];
      await add(event);
      await expect(transaction(({ events }) => events.addNew([other, event]))).rejects.toThrow();
      expect(await list({ userId: other.userId })).toEqual([]);
    });

    test("may be about a user that there never was", async () => {
      const event = anEvent();
      await add(event);
      expect(await list({ userId: event.userId })).toHaveLength(1);
    });

    test("that was added but not committed is not there", async () => {
      const event = anEvent();
      const error = new Error("no");
      const work = transaction(async ({ events }) => {
        await events.add(event);
        throw error;
      });
      await expect(work).rejects.toBe(error);
      expect(await list({ userId: event.userId })).toEqual([]);
    });

    test("added again with its id is the one that there is", async () => {
      const event = anEvent();
      await add(event);
      await add({ ...event, type: "user.deleted" });
      await add({ ...event, type: "user.deleted" }, anEvent({ userId: event.userId }));
      const listed = await list({ userId: event.userId });
      expect(listed.map(({ type }) => type)).toEqual(["user.updated", "user.updated"]);
    });

    test("is one of many that are added at once, each with all that it says", async () => {
      const userId = randomUUID();
      const events = [
        anEvent({ userId, type: "session.revoked", objectId: randomUUID() }),
        anEvent({ userId, outcome: "refused", reason: "OVERLOADED", changedFields: ["email", "username"] }),
        anEvent({ userId, caller: "cli:ada", address: "", clientAddress: "192.0.2.7", requestId: "r-2" }),
      ];
      await add(...events);
      const listed = await list({ userId });
      for (const { keptForMs: _, ...event } of events) {
        expect(listed).toContainEqual({ ...event, createTime: expect.any(Date) });
      }
      expect(listed).toHaveLength(3);
      await add();
    });
  });

  describe("a list of events", () => {
    test("is youngest first, then by id, page by page, each once", async () => {
      const userId = randomUUID();
      for (let i = 0; i < 4; i++) await add(...Array.from({ length: 6 }, () => anEvent({ userId })));
      const all = await list({ userId });
      expect(all).toHaveLength(24);
      const inOrder = [...all].sort(
        (a, b) => b.createTime.getTime() - a.createTime.getTime() || (a.id < b.id ? 1 : -1),
      );
      expect(all).toEqual(inOrder);
      const paged = [];
      for (let after: EventQuery["after"]; ; ) {
        const page = await list({ userId, after, limit: 5 });
        if (page.length === 0) break;
        paged.push(...page);
        after = page.at(-1);
      }
      expect(paged).toEqual(all);
    });

    test("holds what passes each filter, and all of them", async () => {
      const [userId, caller] = [randomUUID(), `spiffe://test/${randomUUID()}`];
      const events = [
        anEvent({ userId, caller, type: "user.created" }),
        anEvent({ userId, caller, type: "session.begun", outcome: "failure" }),
        anEvent({ userId, caller: "another", type: "session.begun", outcome: "refused" }),
        anEvent({ caller, type: "session.begun" }),
      ];
      for (const event of events) await add(event);
      const [created, failed, refused, others] = events.map(({ id }) => id);
      const found = async (query: Partial<EventQuery>) => (await list(query)).map(({ id }) => id).sort();
      const sorted = (...ids: (string | undefined)[]) => ids.sort();
      expect(await found({ userId })).toEqual(sorted(created, failed, refused));
      expect(await found({ caller })).toEqual(sorted(created, failed, others));
      expect(await found({ userId, types: ["session.begun"] })).toEqual(sorted(failed, refused));
      expect(await found({ caller, types: ["user.created", "session.begun"] })).toHaveLength(3);
      expect(await found({ userId, types: ["user.deleted", "user.created"] })).toEqual([created]);
      for (const [outcome, id] of [
        ["success", created],
        ["failure", failed],
        ["refused", refused],
      ] as const) {
        expect(await found({ userId, outcome })).toEqual([id]);
      }
      expect(await found({ userId, caller, types: ["session.begun"], outcome: "success" })).toEqual([]);
      expect(await found({})).toEqual(expect.arrayContaining(sorted(created, failed, refused, others)));
    });

    test("holds what is of a time: from it on, and before it", async () => {
      const userId = randomUUID();
      for (let i = 0; i < 3; i++) {
        await add(anEvent({ userId }));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const [last, middle, first] = await list({ userId });
      const { createTime } = middle!;
      expect(await list({ userId, createdAfter: createTime })).toEqual([last, middle]);
      expect(await list({ userId, createdBefore: createTime })).toEqual([first]);
      expect(await list({ userId, createdBefore: createTime, after: last })).toEqual([first]);
      expect(await list({ userId, createdBefore: last!.createTime, after: middle })).toEqual([first]);
      expect(await list({ userId, createdAfter: createTime, createdBefore: createTime })).toEqual([]);
    });
  });

  describe("places of events", () => {
    beforeEach(async () => {
      while ((await place()) > 0);
    });

    test("are given once, without gaps, in the order in which the events were added", async () => {
      const head = await read().head();
      expect(await read().hasUnplaced()).toBe(false);
      const events = Array.from({ length: 9 }, () => anEvent());
      for (const event of events) await add(event);
      expect(await read().hasUnplaced()).toBe(true);
      expect(await read().listAfter(head, 100)).toEqual([]);
      expect(await place(4)).toBe(4);
      expect(await idsBehind(head)).toEqual(events.slice(0, 4).map(({ id }) => id));
      expect(await read().head()).toBe(head + 4);
      expect(await place()).toBe(5);
      expect(await place()).toBe(0);
      const placed = await read().listAfter(head, 100);
      expect(placed.map(({ id }) => id)).toEqual(events.map(({ id }) => id));
      expect(placed.map(({ position }) => position)).toEqual(events.map((_, i) => head + 1 + i));
      expect(await read().head()).toBe(head + 9);
      expect(await read().listAfter(head + 3, 2)).toEqual(placed.slice(3, 5));
      const { position: _, ...first } = placed[0]!;
      expect(await list({ userId: first.userId })).toEqual([first]);
    });

    test("of one transaction's events are in the order of its statements, and so are their times", async () => {
      const head = await read().head();
      const added = Array.from({ length: 8 }, () => anEvent());
      await transaction(async ({ events }) => {
        for (const event of added) {
          await events.add(event);
          await new Promise((resolve) => setTimeout(resolve, 3));
        }
      });
      await place();
      const placed = await read().listAfter(head, 100);
      expect(placed.map(({ id }) => id)).toEqual(added.map(({ id }) => id));
      const times = placed.map(({ createTime }) => createTime.getTime());
      expect(times.at(-1)! - times[0]!).toBeGreaterThan(15);
    });

    test("are given once each by many that do so at once, while events come", async () => {
      const head = await read().head();
      const events = Array.from({ length: 60 }, () => anEvent());
      await Promise.all([
        ...events.map((event) => add(event)),
        ...Array.from({ length: 12 }, () => place(7).catch(() => 0)),
      ]);
      while ((await place()) > 0);
      const placed = await read().listAfter(head, 1_000);
      expect(placed.map(({ position }) => position)).toEqual(events.map((_, i) => head + 1 + i));
      expect(placed.map(({ id }) => id).sort()).toEqual(events.map(({ id }) => id).sort());
    });

    test("of one user's events are in the order of their effects, however many transactions contend", async () => {
      const head = await read().head();
      const name = randomUUID();
      const { id } = await transaction(({ users }) =>
        users.insert(randomUUID(), {
          email: undefined,
          username: { value: name, key: name },
          displayName: "",
          attributes: {},
        }),
      );
      const change = async () => {
        await transaction(async ({ users, events }) => {
          const user = (await users.find({ kind: "id", id }))!;
          const changed = await users.update(user, {
            email: user.email,
            username: user.username,
            displayName: "",
            attributes: {},
            suspension: undefined,
            deleteTime: undefined,
          });
          await events.add(anEvent({ userId: id, objectId: String(changed.version) }));
        }).catch(() => {});
      };
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let i = 0; i < 5; i++) await change();
        }),
      );
      while ((await place()) > 0);
      const versions = (await read().listAfter(head, 1_000)).map(({ objectId }) => Number(objectId));
      expect(versions.length).toBeGreaterThan(5);
      expect(versions).toEqual(versions.map((_, i) => i + 2));
    });
  });
}
