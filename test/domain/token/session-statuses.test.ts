import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { SessionStatuses } from "../../../src/domain/token/session-statuses.ts";
import type { SessionStatus } from "../../../src/interfaces/relationaldb/session-repository.ts";
import { askedOf } from "../../support/asked.ts";
import { aCall } from "../../support/calls.ts";
import { Clocks, second } from "../../support/clocks.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { aSession } from "../../support/token-parts.ts";

let clocks: Clocks;
let repository: InMemoryRepository;
let statuses: SessionStatuses;

beforeEach(() => {
  clocks = new Clocks();
  repository = new InMemoryRepository(clocks.database);
  statuses = new SessionStatuses(repository, clocks.monotonicMs);
});

const ask = async (id: string) => (await statuses.ask(aCall(), [id])).get(id);
const end = (id: string) => repository.transaction(aCall(), ({ sessions }) => sessions.end(id, "revoked"));

test("what the database says is answered by session, and what it does not know is not", async () => {
  const [a, b] = [(await aSession(repository)).session, (await aSession(repository)).session];
  await end(b.id);
  const unknown = randomUUID();
  const asked = askedOf(repository);
  const time = clocks.databaseMs;
  expect(await statuses.ask(aCall(), [a.id, unknown, b.id])).toEqual(
    new Map([
      [a.id, { userId: a.userId, live: true, revokedKeys: [], time }],
      [b.id, { userId: b.userId, live: false, revokedKeys: [], time }],
    ]),
  );
  expect(asked).toEqual([{ what: "sessions.statuses", about: [[a.id, unknown, b.id]] }]);
  expect(statuses.recall(unknown, 1e9)).toBeUndefined();
});

describe("from memory", () => {
  test("comes what was asked for no longer ago than that, with the time that it is now", async () => {
    const { session } = await aSession(repository);
    const { id, userId } = session;
    expect(statuses.recall(id, 1e9)).toBeUndefined();
    await ask(id);
    const time = clocks.databaseMs;
    expect(statuses.recall(id, 1)).toEqual({ userId, live: true, revokedKeys: [], time });
    clocks.pass(5 * second);
    expect(statuses.recall(id, 5 * second)).toEqual({
      userId,
      live: true,
      revokedKeys: [],
      time: time + 5 * second,
    });
    expect(statuses.recall(id, 5 * second - 1)).toBeUndefined();
    await ask(id);
    expect(statuses.recall(id, 1)).toEqual({ userId, live: true, revokedKeys: [], time: time + 5 * second });
  });

  test.each([0, -1, Number.NaN])("comes nothing where it may be %d ms old", async (maxStalenessMs) => {
    const { session } = await aSession(repository);
    await ask(session.id);
    expect(statuses.recall(session.id, maxStalenessMs)).toBeUndefined();
  });

  test("what has ended since still lives, and has ended as soon as anybody asks", async () => {
    const { id } = (await aSession(repository)).session;
    await ask(id);
    await end(id);
    expect(statuses.recall(id, second)?.live).toBe(true);
    expect((await ask(id))?.live).toBe(false);
    expect(statuses.recall(id, second)?.live).toBe(false);
  });

  test("the age counts from when the question was asked, not from its answer", async () => {
    const { id } = (await aSession(repository)).session;
    const { answer, asking } = slowly(id);
    clocks.pass(10 * second);
    answer({ id, userId: "u", live: true, revokedKeys: [], time: clocks.database() });
    await asking;
    expect(statuses.recall(id, 10 * second)?.live).toBe(true);
    expect(statuses.recall(id, 10 * second - 1)).toBeUndefined();
  });

  test("an earlier question that is answered later does not bring an ended session back", async () => {
    const { id, userId } = (await aSession(repository)).session;
    const { answer, asking } = slowly(id);
    const before = { id, userId, live: true, revokedKeys: [], time: clocks.database() };
    clocks.pass(1);
    await end(id);
    await ask(id);
    answer(before);
    await asking;
    expect(statuses.recall(id, second)?.live).toBe(false);
  });

  test("10,000 sessions are remembered: those that were asked for last", async () => {
    const ids = Array.from({ length: 10_002 }, () => randomUUID());
    const { read } = repository;
    repository.read = (call) => {
      const readers = read.call(repository, call);
      const answer = async (asked: readonly string[]) =>
        asked.map((id) => ({ id, userId: "u", live: true, revokedKeys: [], time: clocks.database() }));
      return { ...readers, sessions: { ...readers.sessions, statuses: answer } };
    };
    await statuses.ask(aCall(), ids.slice(0, 10_000));
    // Asked for again, the first is the youngest.
    await statuses.ask(aCall(), [ids[0] ?? ""]);
    await statuses.ask(aCall(), ids.slice(10_000));
    const forgotten = ids.filter((id) => statuses.recall(id, second) === undefined);
    expect(forgotten).toEqual([ids[1], ids[2]]);
  });
});

/** Asks for the status of a session, which the database answers when and how the test says. */
function slowly(id: string) {
  const { promise, resolve } = Promise.withResolvers<SessionStatus[]>();
  const { read } = repository;
  repository.read = (call) => {
    const readers = read.call(repository, call);
    return { ...readers, sessions: { ...readers.sessions, statuses: () => promise } };
  };
  const asking = ask(id);
  repository.read = read;
  return { answer: (status: SessionStatus) => resolve([status]), asking };
}

describe("what this instance has ended", () => {
  test.each(["session", "user"] as const)("is forgotten: a %s", async (what) => {
    const { session } = await aSession(repository);
    const { session: other } = await aSession(repository);
    await Promise.all([ask(session.id), ask(other.id)]);
    if (what === "session") statuses.forgetSession(session.id);
    else statuses.forgetUser(session.userId);
    expect(statuses.recall(session.id, 1e9)).toBeUndefined();
    expect(statuses.recall(other.id, 1e9)?.live).toBe(true);
  });

  test.each(["session", "user"] as const)(
    "is not remembered by an answer that was on its way: a %s",
    async (what) => {
      const { id, userId } = (await aSession(repository)).session;
      const { answer, asking } = slowly(id);
      if (what === "session") statuses.forgetSession(id);
      else statuses.forgetUser(userId);
      answer({ id, userId, live: true, revokedKeys: [], time: clocks.database() });
      expect((await asking)?.live).toBe(true);
      expect(statuses.recall(id, 1e9)).toBeUndefined();
      await ask(id);
      expect(statuses.recall(id, 1e9)?.live).toBe(true);
    },
  );

  test("is forgotten also where it is not known whether the change was made", async () => {
    const { session } = await aSession(repository);
    await ask(session.id);
    const lost = new Error("lost");
    await expect(statuses.forgetUserAfter(session.userId, Promise.reject(lost))).rejects.toBe(lost);
    expect(statuses.recall(session.id, 1e9)).toBeUndefined();
  });
});
