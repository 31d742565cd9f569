import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { DomainError } from "../../../src/domain/errors.ts";
import { HashPool } from "../../../src/infrastructure/crypto/hash-pool.ts";
import { aCall, aCancellableCall } from "../../support/calls.ts";

/** What one of our own hashes takes. */
const usual = { ms: 15, memoryKib: 19_456 };
const poolOf = (concurrency: number, queueLimit: number, memoryKib = 262_144) =>
  new HashPool({ concurrency, queueLimit, memoryKib, unitMs: 25 });

/** Tasks that end when they are told to, and what is running. */
function tasks() {
  const ends: (() => void)[] = [];
  let running = 0;
  let most = 0;
  let started = 0;
  return {
    task: async () => {
      started += 1;
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => ends.push(resolve));
      running -= 1;
    },
    endOne: async () => {
      ends.shift()?.();
      await sleep(0);
    },
    get running() {
      return running;
    },
    get most() {
      return most;
    },
    get started() {
      return started;
    },
  };
}

test("so many tasks run at once, and the others in the order in which they came", async () => {
  const pool = poolOf(2, 10);
  const gate = tasks();
  const finished: number[] = [];
  const all = [1, 2, 3, 4, 5].map((n) => pool.run(aCall(), usual, gate.task).then(() => finished.push(n)));
  await sleep(0);
  expect(gate.running).toBe(2);
  for (let i = 0; i < 5; i++) await gate.endOne();
  await Promise.all(all);
  expect(gate.most).toBe(2);
  expect(finished).toEqual([1, 2, 3, 4, 5]);
});

test("past the queue's limit a task is refused at once, with a time to come back", async () => {
  const pool = poolOf(1, 2);
  const gate = tasks();
  const accepted = [1, 2, 3].map(() => pool.run(aCall(), usual, gate.task));
  const refused = await pool.run(aCall(), usual, gate.task).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(DomainError);
  expect(refused).toMatchObject({ reason: "OVERLOADED", retryAfterMs: expect.any(Number) });
  expect((refused as DomainError).retryAfterMs).toBeGreaterThan(0);
  for (let i = 0; i < 3; i++) await gate.endOne();
  await Promise.all(accepted);
  expect(gate.started).toBe(3);
});

test("nothing is run for a caller that has gone: before, or while it waited", async () => {
  const pool = poolOf(1, 2);
  const gate = tasks();
  const first = pool.run(aCall(), usual, gate.task);
  const { call, cancel } = aCancellableCall();
  const waiting = pool.run(call, usual, gate.task);
  const behind = pool.run(aCall(), usual, gate.task);
  const gone = new Error("gone");
  cancel(gone);
  await expect(waiting).rejects.toBe(gone);
  await expect(pool.run(call, usual, gate.task)).rejects.toBe(gone);
  await gate.endOne();
  await gate.endOne();
  await Promise.all([first, behind]);
  expect(gate.started).toBe(2);
});

test("who leaves the queue makes room in it", async () => {
  const pool = poolOf(1, 1);
  const gate = tasks();
  const first = pool.run(aCall(), usual, gate.task);
  const { call, cancel } = aCancellableCall();
  const waiting = pool.run(call, usual, gate.task);
  cancel(new Error("gone"));
  await expect(waiting).rejects.toThrow("gone");
  const next = pool.run(aCall(), usual, gate.task);
  await gate.endOne();
  await gate.endOne();
  await Promise.all([first, next]);
});

test("a task that fails gives its place to the next", async () => {
  const pool = poolOf(1, 1);
  const failing = pool.run(aCall(), usual, async () => {
    throw new Error("no");
  });
  const next = pool.run(aCall(), usual, async () => "next");
  await expect(failing).rejects.toThrow("no");
  expect(await next).toBe("next");
  expect(await pool.run(aCall(), usual, async () => "after")).toBe("after");
});

test("no more memory is taken at once than there is, and nobody passes one that waits for it", async () => {
  const pool = poolOf(4, 10, 256 * 1024);
  const gate = tasks();
  const run = (memoryKib: number) => pool.run(aCall(), { ms: 1, memoryKib }, gate.task);
  const all = [run(128 * 1024), run(96 * 1024), run(128 * 1024), run(1)];
  await sleep(0);
  expect(gate.running).toBe(2);
  await gate.endOne();
  expect(gate.running).toBe(3);
  for (let i = 0; i < 3; i++) await gate.endOne();
  await Promise.all(all);
});

test("a task that takes more memory than there is runs alone", async () => {
  const pool = poolOf(4, 10, 1024);
  const gate = tasks();
  const all = [2048, 1, 1].map((memoryKib) => pool.run(aCall(), { ms: 1, memoryKib }, gate.task));
  await sleep(0);
  expect(gate.running).toBe(1);
  await gate.endOne();
  expect(gate.running).toBe(2);
  for (let i = 0; i < 2; i++) await gate.endOne();
  await Promise.all(all);
});

test("costly tasks fill the queue by the time that they take: what waits for a hash is bounded", async () => {
  const pool = poolOf(1, 128);
  const gate = tasks();
  const costly = { ms: 500, memoryKib: 4 };
  const running = pool.run(aCall(), costly, gate.task);
  // 128 places of 25 ms are 3,200 ms.
  const waiting = Array.from({ length: 6 }, () => pool.run(aCall(), costly, gate.task));
  const refused = await pool.run(aCall(), costly, gate.task).catch((error: unknown) => error);
  expect(refused).toMatchObject({ reason: "OVERLOADED", retryAfterMs: 3_000 });
  const usually = Array.from({ length: 8 }, () => pool.run(aCall(), { ms: 25, memoryKib: 4 }, gate.task));
  expect(() => pool.assertCapacity()).toThrow(expect.objectContaining({ reason: "OVERLOADED" }));
  for (let i = 0; i < 15; i++) await gate.endOne();
  await Promise.all([running, ...waiting, ...usually]);
  expect(gate.started).toBe(15);
});

test("one costly task may wait where nobody else does", async () => {
  const pool = poolOf(1, 1);
  const gate = tasks();
  const costly = { ms: 10_000, memoryKib: 4 };
  const all = [pool.run(aCall(), costly, gate.task), pool.run(aCall(), costly, gate.task)];
  for (let i = 0; i < 2; i++) await gate.endOne();
  await Promise.all(all);
});
