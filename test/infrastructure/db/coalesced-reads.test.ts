import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Deadline } from "../../../src/domain/call.ts";
import { patienceMs, TimeLimitExceededError } from "../../../src/infrastructure/db/budget.ts";
import { CoalescedReads } from "../../../src/infrastructure/db/coalesced-reads.ts";
import { aCall, aCancellableCall } from "../../support/calls.ts";

/** Reads whose statements end when the test says so; each answers `${key}@${number of the statement}`. */
function controlledReads({ lanes = 2, limit = 100 } = {}) {
  const statements: { call: Deadline; keys: readonly string[]; end: PromiseWithResolvers<void> }[] = [];
  const reads = new CoalescedReads<string, string>({
    lanes,
    limit,
    async load(call, keys) {
      const end = Promise.withResolvers<void>();
      statements.push({ call, keys, end });
      const index = statements.length;
      await end.promise;
      return keys.map((key) => (key === "nobody" ? undefined : `${key}@${index}`));
    },
  });
  const sent = async (count: number) => {
    await expect.poll(() => statements.length, { interval: 1 }).toBe(count);
    return statements[count - 1] as (typeof statements)[number];
  };
  return { reads, statements, sent };
}

describe("reads that share statements", () => {
  test("those of one moment go together, and each gets its own answer", async () => {
    const { reads, sent } = controlledReads();
    const answers = Promise.all(["a", "nobody", "b", "a"].map((key) => reads.find(aCall(), key)));
    const { keys, end } = await sent(1);
    expect(keys).toEqual(["a", "nobody", "b", "a"]);
    end.resolve();
    expect(await answers).toEqual(["a@1", undefined, "b@1", "a@1"]);
  });

  test("none joins a statement that has been sent, and those that wait for a lane go together", async () => {
    const { reads, statements, sent } = controlledReads({ lanes: 1 });
    const early = reads.find(aCall(), "a");
    await sent(1);
    const late = ["a", "b"].map((key) => reads.find(aCall(), key));
    await sleep(20);
    expect(statements).toHaveLength(1);
    statements[0]?.end.resolve();
    (await sent(2)).end.resolve();
    expect(await early).toBe("a@1");
    expect(await Promise.all(late)).toEqual(["a@2", "b@2"]);
  });

  test("one that does not come back does not keep the others waiting", async () => {
    const { reads, sent } = controlledReads({ lanes: 2 });
    const stuck = reads.find(aCall(), "a");
    const { end } = await sent(1);
    const other = reads.find(aCall(), "b");
    (await sent(2)).end.resolve();
    expect(await other).toBe("b@2");
    end.resolve();
    expect(await stuck).toBe("a@1");
  });

  test("a statement has no more keys than its limit", async () => {
    const { reads, statements, sent } = controlledReads({ limit: 2, lanes: 3 });
    const answers = ["a", "b", "c"].map((key) => reads.find(aCall(), key));
    await sent(2);
    for (const { end } of statements) end.resolve();
    expect(await Promise.all(answers)).toEqual(["a@1", "b@1", "c@2"]);
  });

  test("a call that is over gets its reason at once; the others get their answers", async () => {
    const { reads, sent } = controlledReads();
    const { call, cancel } = aCancellableCall();
    const [gone, here] = [reads.find(call, "a"), reads.find(aCall(), "b")];
    const statement = await sent(1);
    const reason = new Error("gone");
    cancel(reason);
    await expect(gone).rejects.toBe(reason);
    expect(statement.call.signal.aborted).toBe(false);
    statement.end.resolve();
    expect(await here).toBe("b@1");
    await expect(reads.find(call, "a")).rejects.toBe(reason);
  });

  test("a statement that nobody waits for any longer is cancelled, and one for nobody is not sent", async () => {
    const { reads, statements, sent } = controlledReads({ lanes: 1 });
    const { call, cancel } = aCancellableCall();
    const answers = Promise.allSettled([reads.find(call, "a"), reads.find(call, "b")]);
    const statement = await sent(1);
    const queued = Promise.allSettled([reads.find(call, "c")]);
    cancel(new Error("gone"));
    await Promise.all([answers, queued]);
    expect(statement.call.signal.aborted).toBe(true);
    statement.end.resolve();
    const next = reads.find(aCall(), "d");
    (await sent(2)).end.resolve();
    expect(await next).toBe("d@2");
    expect(statements.map(({ keys }) => keys)).toEqual([["a", "b"], ["d"]]);
  });

  test("an error is everybody's, and the lane is free again", async () => {
    const { reads, sent } = controlledReads({ lanes: 1 });
    const answers = Promise.allSettled([reads.find(aCall(), "a"), reads.find(aCall(), "b")]);
    const error = new Error("the database is away");
    (await sent(1)).end.reject(error);
    expect(await answers).toMatchObject([{ reason: error }, { reason: error }]);
    const next = reads.find(aCall(), "c");
    (await sent(2)).end.resolve();
    expect(await next).toBe("c@2");
  });

  test("a statement has the time that its most patient reader has, and a reader no more than the patience", async () => {
    const { reads, sent } = controlledReads({ lanes: 1 });
    const [short, long] = [reads.find(aCall(200), "a"), reads.find(aCall(), "b")];
    const { call } = await sent(1);
    expect(call.timeoutMs()).toBeGreaterThan(patienceMs - 200);
    const queued = reads.find(aCall(), "c");
    await expect(short).rejects.toMatchObject({ name: "TimeoutError" });
    const startedAt = performance.now();
    await expect(long).rejects.toBeInstanceOf(TimeLimitExceededError);
    await expect(queued).rejects.toBeInstanceOf(TimeLimitExceededError);
    expect(performance.now() - startedAt).toBeLessThan(patienceMs + 100);
    expect(call.signal.aborted).toBe(true);
  });
});
