import { setTimeout as sleep } from "node:timers/promises";
import { type DatabasePool, sql } from "slonik";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import type { Call } from "../../../src/domain/call.ts";
import { databaseError, isConnectionLoss } from "../../../src/infrastructure/db/sql-state.ts";
import { AmbiguousCommitError, UnitOfWork } from "../../../src/infrastructure/db/unit-of-work.ts";
import { aCall, aCancellableCall } from "../../support/calls.ts";
import { CounterLine, counterRow, once } from "../../support/counter-line.ts";
import type { WireProxy } from "../../support/wire-proxy.ts";

const countFromZero = sql.type(counterRow)`update counter set n = n + 1 where n = 0 returning n`;
const tooMuch = sql.unsafe`update counter set n = 2147483647 + n + 1`;

/** A call whose caller goes away after a while. */
function aCancelledCall(afterMs: number): Call {
  const { call, cancel } = aCancellableCall();
  setTimeout(() => cancel(new Error("gone")), afterMs);
  return call;
}

describe("a unit of work that is one statement, on a line that fails", () => {
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

  const counter = () => line.counter();
  /** Counts up unless it was counted up before: 0, or 1 where a run before this one did. */
  const countInOneStatement = (call = aCall()) =>
    unitOfWork.statement(call, async (connection) => {
      const counted = await connection.maybeOne(countFromZero);
      return counted === null ? 1 : 0;
    });
  const counts = () => proxy.statements.filter((text) => text.includes("where n = 0")).length;

  test("is one round trip, and SERIALIZABLE", async () => {
    expect(await countInOneStatement()).toBe(0);
    expect(proxy.statements).toHaveLength(1);
    const { isolation } = await unitOfWork.statement(aCall(), (connection) =>
      connection.one(sql.type(z.object({ isolation: z.string() }))`
        select current_setting('transaction_isolation') as isolation
      `),
    );
    expect(isolation).toBe("serializable");
    expect(await counter()).toBe(1);
  });

  test.each([
    { code: "40001", when: "before" },
    { code: "40P01", when: "before" },
  ] as const)("$code is not applied: again", async ({ code, when }) => {
    proxy.faults = once("where n = 0", { when, what: { code, message: "restart transaction" } });
    expect(await countInOneStatement()).toBe(0);
    expect(counts()).toBe(2);
    expect(await counter()).toBe(1);
  });

  test.each([
    { name: "40003", what: { code: "40003", message: "result is ambiguous" } },
    { name: "57014 that nobody asked for", what: { code: "57014", message: "canceling statement" } },
    { name: "57P01", what: { code: "57P01", message: "terminating connection", severity: "FATAL" } },
    {
      // The write-ahead log cannot be written: whether the commit is in it is known after the server's recovery.
      name: "a PANIC",
      what: { code: "53100", message: "No space left on device", severity: "PANIC" },
    },
    { name: "58C01", what: { code: "58C01", message: "inbox communication error" } },
    { name: "a line that is cut", what: "cut" },
  ] as const)("$name, applied or not: again, which finds out", async ({ what }) => {
    proxy.faults = once("where n = 0", { when: "after", what });
    expect(await countInOneStatement()).toBe(1);
    expect(counts()).toBe(2);
    proxy.faults = once("where n = 0", { when: "before", what });
    await pool.query(sql.unsafe`update counter set n = 0`);
    expect(await countInOneStatement()).toBe(0);
    expect(await counter()).toBe(1);
  });

  test("a doubt that cannot be resolved is said to be one", async () => {
    proxy.faults = (text) => (text.includes("where n = 0") ? { when: "after", what: "cut" } : undefined);
    await expect(countInOneStatement(aCall(1_000))).rejects.toBeInstanceOf(AmbiguousCommitError);
    proxy.faults = () => undefined;
    expect(await counter()).toBe(1);
  });

  test("no time to hear what became of it is a doubt too, and a caller who goes is told so", async () => {
    const late = { when: "after", what: { delayMs: 1_000 } } as const;
    for (const call of [() => aCall(150), () => aCancelledCall(150)]) {
      await pool.query(sql.unsafe`update counter set n = 0`);
      proxy.faults = once("where n = 0", late);
      await expect(countInOneStatement(call())).rejects.toBeInstanceOf(AmbiguousCommitError);
      expect(await counter()).toBe(1);
    }
  });

  test("a connection that cannot be made leaves no doubt", async () => {
    proxy.refuse();
    // The pool learns that its connections are gone: a statement that is written to one may have been sent.
    await sleep(100);
    const error = await countInOneStatement(aCall(1_000)).catch((caught: unknown) => caught);
    expect(error).not.toBeInstanceOf(AmbiguousCommitError);
    expect(isConnectionLoss(error)).toBe(true);
    expect(counts()).toBe(0);
    proxy.accept();
    expect(await countInOneStatement()).toBe(0);
  });

  test("who waits for a connection too long leaves no doubt, and has nothing done", async () => {
    const release = Promise.withResolvers<void>();
    const holders = [1, 2, 3].map(() => pool.connect(() => release.promise));
    await expect(countInOneStatement(aCall(150))).rejects.toMatchObject({ name: "TimeoutError" });
    release.resolve();
    await Promise.all(holders);
    expect(counts()).toBe(0);
    expect(await counter()).toBe(0);
  });

  test("an error that the server is sure of is final, and keeps its connection", async () => {
    const before = proxy.connections;
    const work = unitOfWork.statement(aCall(), (connection) => connection.query(tooMuch));
    const error = await work.catch((caught: unknown) => caught);
    expect(databaseError(error)?.code).toBe("22003");
    expect(proxy.statements).toHaveLength(1);
    expect(proxy.connections).toBe(before);
    expect(await counter()).toBe(0);
  });

  test("what cannot be serialised goes on failing until there is no patience left, and is no doubt", async () => {
    const what = { code: "40001", message: "restart transaction" };
    proxy.faults = (text) => (text.includes("where n = 0") ? { when: "before", what } : undefined);
    // Pauses of 4, 8, … 250 ms: it ends before one that is too long, and not while a statement is on its way.
    const steady = new UnitOfWork(pool, () => 1);
    const work = steady.statement(aCall(700), (connection) => connection.maybeOne(countFromZero));
    const error = await work.catch((caught: unknown) => caught);
    expect(databaseError(error)?.code).toBe("40001");
    expect(counts()).toBeGreaterThan(5);
    proxy.faults = () => undefined;
    expect(await counter()).toBe(0);
  });
});
