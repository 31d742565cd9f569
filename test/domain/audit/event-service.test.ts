import { randomBytes, randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import type { NewEvent } from "../../../src/domain/audit/event.ts";
import { EventFeed } from "../../../src/domain/audit/event-feed.ts";
import { EventService, type WatchEvents } from "../../../src/domain/audit/event-service.ts";
import { AesEventCursors } from "../../../src/infrastructure/crypto/aes-event-cursors.ts";
import { AesPageTokens } from "../../../src/infrastructure/crypto/aes-page-tokens.ts";
import { aCall, aCancellableCall } from "../../support/calls.ts";
import { Clocks } from "../../support/clocks.ts";
import { anEvent } from "../../support/events.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";

const everything: WatchEvents = {
  userId: undefined,
  types: [],
  outcome: undefined,
  caller: undefined,
  cursor: "",
  heartbeatMs: 10_000,
};
const key = randomBytes(32);

let clocks: Clocks;
let repository: InMemoryRepository;
let events: EventService;

/** The service of a process on the database. */
function aProcess(): EventService {
  return new EventService({
    repository,
    feed: new EventFeed(repository),
    pageTokens: new AesPageTokens(key),
    cursors: new AesEventCursors(key),
    monotonicMs: () => performance.now(),
  });
}

beforeEach(() => {
  clocks = new Clocks();
  repository = new InMemoryRepository(clocks.database);
  events = aProcess();
});

const add = async (...added: NewEvent[]) => {
  await repository.transaction(aCall(), (repositories) => repositories.events.add(...added));
  return added;
};
const happen = async (n: number) => {
  const added = await add(...Array.from({ length: n }, () => anEvent()));
  await events.advance(aCall());
  return added.map(({ id }) => id);
};

/** A watch, read answer by answer. */
class Watch {
  readonly #answers: AsyncGenerator<{ event: { id: string; position: number } | undefined; cursor: string }>;
  cursor = "";

  constructor(changes: Partial<WatchEvents> = {}, call = aCall(), service = events) {
    this.#answers = service.watch(call, { ...everything, ...changes });
  }

  /** The id of the next answer's event: undefined for a sign of life. */
  async next(): Promise<string | undefined> {
    const { value, done } = await this.#answers.next();
    if (done) throw new Error("the watch has ended");
    this.cursor = value.cursor;
    return value.event?.id;
  }

  async take(n: number): Promise<(string | undefined)[]> {
    const ids = [];
    while (ids.length < n) ids.push(await this.next());
    return ids;
  }

  end() {
    return this.#answers.return(undefined);
  }
}

describe("a watch from now on", () => {
  test("says at once that it is alive, and then all that happens, in order", async () => {
    await happen(3);
    const watch = new Watch();
    expect(await watch.next()).toBeUndefined();
    const first = await happen(2);
    expect(await watch.take(2)).toEqual(first);
    const waiting = watch.next();
    const [next] = await happen(1);
    expect(await waiting).toBe(next);
  });

  test("tells what was placed by another process", async () => {
    const watch = new Watch();
    await watch.next();
    const other = aProcess();
    const [event] = await add(anEvent());
    await other.advance(aCall());
    const waiting = watch.next();
    await events.advance(aCall());
    expect(await waiting).toBe(event?.id);
  });

  test("tells of nothing that is not committed and placed", async () => {
    const watch = new Watch({ heartbeatMs: 30 });
    await watch.next();
    await add(anEvent());
    expect(await watch.next()).toBeUndefined();
    await events.advance(aCall());
    expect(await watch.next()).toBeDefined();
  });

  test("shows that it is alive when nothing passes, and how far it is", async () => {
    const watch = new Watch({ userId: randomUUID(), heartbeatMs: 20 });
    expect(await watch.next()).toBeUndefined();
    await happen(5);
    expect(await watch.next()).toBeUndefined();
    // Where it came so far, it need not look again.
    await happen(1);
    expect(await watch.next()).toBeUndefined();
  });

  test("is many, of which each gets all, and none waits for another", async () => {
    const watches = Array.from({ length: 20 }, () => new Watch());
    await Promise.all(watches.map((watch) => watch.next()));
    const [slow, ...others] = watches;
    const ids = [];
    for (let i = 0; i < 5; i++) ids.push(...(await happen(300)));
    for (const watch of others) expect(await watch.take(1_500)).toEqual(ids);
    // The oldest of them are no longer in memory.
    expect(await slow?.take(1_500)).toEqual(ids);
  });

  test.each([
    ["a user", (event: NewEvent) => ({ userId: event.userId?.toUpperCase() })],
    ["a type", (event: NewEvent) => ({ types: [event.type] })],
    ["an outcome", (event: NewEvent) => ({ outcome: event.outcome })],
    ["a caller", (event: NewEvent) => ({ caller: event.caller })],
  ])("tells of what passes a filter by %s, and nothing else", async (_, filterOf) => {
    const wanted = anEvent({ type: "user.deleted", outcome: "refused", caller: "cli:ada" });
    const watch = new Watch(filterOf(wanted));
    await watch.next();
    await add(anEvent(), wanted, anEvent(), { ...wanted, id: randomUUID() });
    await events.advance(aCall());
    expect(await watch.next()).toBe(wanted.id);
    expect(await watch.next()).toBeDefined();
  });
});

describe("a watch from a cursor on", () => {
  test("goes on after the last answer that was dealt with, whatever it was, on any process", async () => {
    const before = new Watch();
    await before.next();
    const ids = await happen(6);
    const cursors = [before.cursor];
    for (const id of ids) {
      expect(await before.next()).toBe(id);
      cursors.push(before.cursor);
    }
    await before.end();
    for (const [seen, cursor] of cursors.entries()) {
      for (const service of [events, aProcess()]) {
        const watch = new Watch({ cursor }, aCall(), service);
        expect(await watch.take(6 - seen)).toEqual(ids.slice(seen));
        await watch.end();
      }
    }
  });

  test("reads what is far behind in pieces, and misses nothing that happens meanwhile", async () => {
    const start = new Watch();
    await start.next();
    const ids = await happen(1_700);
    const watch = new Watch({ cursor: start.cursor });
    const half = await watch.take(800);
    ids.push(...(await happen(1_300)));
    expect([...half, ...(await watch.take(2_200))]).toEqual(ids);
  });

  test("is refused where the cursor is made up, changed, for another filter or of a time that was put back", async () => {
    const watch = new Watch();
    await watch.next();
    const { cursor } = watch;
    const invalid = { reason: "CURSOR_INVALID" };
    const changed = `${cursor.slice(0, -2)}${cursor.endsWith("AA") ? "BB" : "AA"}`;
    for (const forged of ["x", "AAAA", changed, randomBytes(36).toString("base64url"), `${cursor}AAAA`]) {
      await expect(new Watch({ cursor: forged }).next()).rejects.toMatchObject(invalid);
    }
    await expect(new Watch({ cursor, userId: randomUUID() }).next()).rejects.toMatchObject(invalid);
    await expect(new Watch({ cursor, types: ["user.created"] }).next()).rejects.toMatchObject(invalid);
    await happen(1);
    await watch.next();
    repository = new InMemoryRepository();
    await expect(new Watch({ cursor: watch.cursor }, aCall(), aProcess()).next()).rejects.toMatchObject(
      invalid,
    );
  });

  test("is refused where events behind it were forgotten, and never begins later in silence", async () => {
    const watch = new Watch();
    await watch.next();
    const { cursor } = watch;
    await add(anEvent({ keptForMs: 1_000 }), anEvent({ keptForMs: 1_000 }), anEvent());
    await events.advance(aCall());
    await watch.take(2);
    const { cursor: later } = watch;
    clocks.pass(2_000);
    await events.forgetOld(aCall());
    const tooOld = { reason: "CURSOR_TOO_OLD", kind: "failed-precondition" };
    await expect(new Watch({ cursor }, aCall(), aProcess()).next()).rejects.toMatchObject(tooOld);
    const good = new Watch({ cursor: later }, aCall(), aProcess());
    expect(await good.next()).toBeDefined();
  });

  test("is refused where all events were forgotten, but for the last cursor", async () => {
    const watch = new Watch();
    await watch.next();
    const { cursor } = watch;
    await add(anEvent({ keptForMs: 1_000 }));
    await events.advance(aCall());
    await watch.next();
    clocks.pass(2_000);
    await events.forgetOld(aCall());
    await expect(new Watch({ cursor }, aCall(), aProcess()).next()).rejects.toMatchObject({
      reason: "CURSOR_TOO_OLD",
    });
    const last = new Watch({ cursor: watch.cursor }, aCall(), aProcess());
    expect(await last.next()).toBeUndefined();
  });

  test("that lags ends where events are forgotten before it has read them", async () => {
    const slow = new Watch();
    await slow.next();
    await add(...Array.from({ length: 1_200 }, () => anEvent({ keptForMs: 1_000 })));
    await events.advance(aCall());
    await slow.take(500);
    clocks.pass(2_000);
    await events.forgetOld(aCall());
    await happen(1_000);
    await expect(slow.take(2_000)).rejects.toMatchObject({ reason: "CURSOR_TOO_OLD" });
  });
});

describe("the end of a watch", () => {
  test("comes with the call's", async () => {
    const { call, cancel } = aCancellableCall();
    const watch = new Watch({}, call);
    await watch.next();
    const waiting = watch.next();
    const gone = new Error("gone");
    cancel(gone);
    await expect(waiting).rejects.toBe(gone);
  });

  test("comes at once when the process stops, and tells to come back", async () => {
    const watches = [new Watch(), new Watch()];
    await Promise.all(watches.map((watch) => watch.next()));
    const waiting = watches[0]!.next();
    events.close();
    const stopping = { reason: "SHUTTING_DOWN", kind: "unavailable" };
    await expect(waiting).rejects.toMatchObject(stopping);
    await expect(watches[1]!.next()).rejects.toMatchObject(stopping);
    await expect(new Watch().next()).rejects.toMatchObject(stopping);
    const elsewhere = new Watch({ cursor: watches[0]!.cursor }, aCall(), aProcess());
    expect(await elsewhere.next()).toBeUndefined();
  });

  test("leaves nothing to be read for nobody", async () => {
    const watch = new Watch();
    await watch.next();
    await happen(1);
    await watch.end();
    await happen(1);
    const asked: string[] = [];
    const read = repository.read.bind(repository);
    repository.read = (call) => {
      const readers = read(call);
      const listAfter: typeof readers.events.listAfter = async (...args) => {
        asked.push("listAfter");
        return readers.events.listAfter(...args);
      };
      return { ...readers, events: { ...readers.events, listAfter } };
    };
    await happen(1);
    expect(asked).toEqual([]);
    const again = new Watch();
    await again.next();
    await happen(1);
    expect(asked).not.toEqual([]);
  });
});
