import { setTimeout as sleep } from "node:timers/promises";
import { type DatabasePool, sql } from "slonik";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { patienceMs, TimeLimitExceededError } from "../../../src/infrastructure/db/budget.ts";
import { databaseError } from "../../../src/infrastructure/db/sql-state.ts";
import { AmbiguousCommitError, type UnitOfWork } from "../../../src/infrastructure/db/unit-of-work.ts";
import { aCall, aCancellableCall } from "../../support/calls.ts";
import { CounterLine, counterRow, once, readCounter } from "../../support/counter-line.ts";
import type { WireProxy } from "../../support/wire-proxy.ts";

const countUp = sql.unsafe`update counter set n = n + 1`;

describe("the unit of work, on a line that fails", () => {
  let line: CounterLine;
  let proxy: WireProxy;
  let pool: DatabasePool;
  let unitOfWork: UnitOfWork;

  beforeAll(async () => {
    line = await CounterLine.open();
    ({ proxy, pool, unitOfWork } = line);
  });
  beforeEach(() => line.begin());
  afterEach(() => line.mend());
  afterAll(() => line?.[Symbol.asyncDispose]());

  /** Counts up unless it was counted up before, as a body that claims a request id does. */
  let bodies = 0;
  const countOnce = (call = aCall()) => {
    bodies = 0;
    return unitOfWork.transaction(call, async (transaction) => {
      bodies += 1;
      const { n } = await transaction.one(readCounter);
      if (n === 0) await transaction.query(countUp);
      return n;
    });
  };
  const counter = () => line.counter();

  const cases = [
    { code: "40001", when: "before", at: "update counter" },
    { code: "40001", when: "before", at: "COMMIT" },
    { code: "40P01", when: "after", at: "update counter" },
  ] as const;
  test.each(cases)("$code $when $at is not applied: the whole body again", async ({ code, when, at }) => {
    proxy.faults = once(at, { when, what: { code, message: "restart transaction" } });
    expect(await countOnce()).toBe(0);
    expect(bodies).toBe(2);
    expect(await counter()).toBe(1);
  });

  test("a line that is cut before COMMIT is not applied: the whole body again, on another connection", async () => {
    proxy.faults = once("update counter", { when: "after", what: "cut" });
    expect(await countOnce()).toBe(0);
    expect(bodies).toBe(2);
    expect(await counter()).toBe(1);
  });

  test("57P01 in the middle: the whole body again, on another connection", async () => {
    const what = { code: "57P01", message: "terminating connection", severity: "FATAL" } as const;
    proxy.faults = once("update counter", { when: "before", what });
    expect(await countOnce()).toBe(0);
    expect(await counter()).toBe(1);
  });

  const doubts = [
    { name: "40003 at a COMMIT that took place", what: { code: "40003", message: "result is ambiguous" } },
    { name: "a line cut after a COMMIT that took place", what: "cut" },
    {
      name: "58C01 at a COMMIT that took place",
      what: { code: "58C01", message: "inbox communication error" },
    },
    {
      // The log cannot be written: whether the record of the commit is in it is known after the server's recovery.
      name: "a PANIC at a COMMIT that took place",
      what: { code: "53100", message: "No space left on device", severity: "PANIC" },
    },
  ] as const;
  test.each(doubts)("$name: the body finds out, and nothing is done twice", async ({ what }) => {
    proxy.faults = once("COMMIT", { when: "after", what });
    expect(await countOnce()).toBe(1);
    expect(bodies).toBe(2);
    expect(await counter()).toBe(1);
  });

  test.each([
    { name: "40003 at a COMMIT that did not take place", what: { code: "40003", message: "ambiguous" } },
    { name: "a line cut before a COMMIT took place", what: "cut" },
  ] as const)("$name: the body finds out, and it is done", async ({ what }) => {
    proxy.faults = once("COMMIT", { when: "before", what });
    expect(await countOnce()).toBe(0);
    expect(await counter()).toBe(1);
  });

  test("a doubt that cannot be resolved is said to be one", async () => {
    proxy.faults = (text) => (text === "COMMIT" ? { when: "after", what: "cut" } : undefined);
    await expect(countOnce(aCall(1_000))).rejects.toBeInstanceOf(AmbiguousCommitError);
    proxy.faults = () => undefined;
    expect(await counter()).toBe(1);
  });

  test("an error of the body's own rolls back, is not retried, and keeps its connection", async () => {
    const before = proxy.connections;
    const error = new Error("no");
    const work = unitOfWork.transaction(aCall(), async (transaction) => {
      await transaction.query(countUp);
      throw error;
    });
    await expect(work).rejects.toBe(error);
    expect(await counter()).toBe(0);
    expect(proxy.connections).toBe(before);
    expect(proxy.statements.filter((text) => text === "START TRANSACTION")).toHaveLength(1);
  });

  test("what cannot be serialised goes on failing until there is no patience left", async () => {
    const what = { code: "40001", message: "restart transaction" };
    proxy.faults = (text) => (text === "COMMIT" ? { when: "before", what } : undefined);
    const startedAt = performance.now();
    const error = await countOnce().catch((caught: unknown) => caught);
    expect(databaseError(error)?.code).toBe("40001");
    expect(performance.now() - startedAt).toBeLessThan(patienceMs + 500);
    expect(bodies).toBeGreaterThan(5);
    proxy.faults = () => undefined;
    expect(await counter()).toBe(0);
  });

  test("an abort cancels the statement that runs, on the server too", async () => {
    const { call, cancel } = aCancellableCall();
    const gone = new Error("gone");
    const work = unitOfWork.read(call, (connection) => connection.query(sql.unsafe`select pg_sleep(1.5)`));
    await sleep(100);
    cancel(gone);
    const startedAt = performance.now();
    await expect(work).rejects.toBe(gone);
    expect(performance.now() - startedAt).toBeLessThan(200);
    const running = () =>
      pool.oneFirst(sql.type(counterRow)`
        select count(*)::int4 as n
        from pg_stat_activity
        where state = 'active' and query like 'select pg_sleep%'
      `);
    await expect.poll(running, { timeout: 700 }).toBe(0);
  });

  test("a deadline is the transaction's statement timeout", async () => {
    const timeouts = await unitOfWork.transaction(aCall(700), (transaction) =>
      transaction.one(sql.type(z.object({ ms: z.int() }))`
        select extract(epoch from current_setting('statement_timeout')::interval * 1000)::int4 as ms
      `),
    );
    expect(timeouts.ms).toBeGreaterThan(500);
    expect(timeouts.ms).toBeLessThanOrEqual(700);
    const { ms } = await pool.one(sql.type(z.object({ ms: z.int() }))`
      select extract(epoch from current_setting('statement_timeout')::interval * 1000)::int4 as ms
    `);
    expect(ms).toBe(patienceMs);
  });

  test("a server that answers nothing any more is given up in time, and its connections are not used again", async () => {
    proxy.pause();
    const startedAt = performance.now();
    const work = unitOfWork.read(aCall(), (connection) => connection.one(readCounter));
    await expect(work).rejects.toBeInstanceOf(TimeLimitExceededError);
    expect(performance.now() - startedAt).toBeLessThan(patienceMs + 500);
    proxy.resume();
    expect(await unitOfWork.read(aCall(), (connection) => connection.one(readCounter))).toEqual({ n: 0 });
  });

  test("who waits for a connection too long leaves the queue, and takes none", async () => {
    const release = Promise.withResolvers<void>();
    const holders = [1, 2, 3].map(() => pool.connect(() => release.promise));
    const work = unitOfWork.read(aCall(150), (connection) => connection.one(readCounter));
    await expect(work).rejects.toMatchObject({ name: "TimeoutError" });
    release.resolve();
    await Promise.all(holders);
    expect(await counter()).toBe(0);
  });
});
