import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { DomainError } from "../../../src/domain/errors.ts";
import { HashPool } from "../../../src/infrastructure/crypto/hash-pool.ts";
import { aCall, aCancellableCall } from "../../support/calls.ts";

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
  const pool = new HashPool({ concurrency: 2, queueLimit: 10 });
  const gate = tasks();
  const finished: number[] = [];
  const all = [1, 2, 3, 4, 5].map((n) => pool.run(aCall(), gate.task).then(() => finished.push(n)));
  await sleep(0);
  expect(gate.running).toBe(2);
  for (let i = 0; i < 5; i++) await gate.endOne();
  await Promise.all(all);
  expect(gate.most).toBe(2);
  expect(finished).toEqual([1, 2, 3, 4, 5]);
});

test("past the queue's limit a task is refused at once, with a time to come back", async () => {
  const pool = new HashPool({ concurrency: 1, queueLimit: 2 });
  const gate = tasks();
  const accepted = [1, 2, 3].map(() => pool.run(aCall(), gate.task));
  const refused = await pool.run(aCall(), gate.task).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(DomainError);
  expect(refused).toMatchObject({ reason: "OVERLOADED", retryAfterMs: expect.any(Number) });
  expect((refused as DomainError).retryAfterMs).toBeGreaterThan(0);
  for (let i = 0; i < 3; i++) await gate.endOne();
  await Promise.all(accepted);
  expect(gate.started).toBe(3);
});

test("nothing is run for a caller that has gone: before, or while it waited", async () => {
  const pool = new HashPool({ concurrency: 1, queueLimit: 2 });
  const gate = tasks();
  const first = pool.run(aCall(), gate.task);
  const { call, cancel } = aCancellableCall();
  const waiting = pool.run(call, gate.task);
  const behind = pool.run(aCall(), gate.task);
  const gone = new Error("gone");
  cancel(gone);
  await expect(waiting).rejects.toBe(gone);
  await expect(pool.run(call, gate.task)).rejects.toBe(gone);
  await gate.endOne();
  await gate.endOne();
  await Promise.all([first, behind]);
  expect(gate.started).toBe(2);
});

test("who leaves the queue makes room in it", async () => {
  const pool = new HashPool({ concurrency: 1, queueLimit: 1 });
  const gate = tasks();
  const first = pool.run(aCall(), gate.task);
  const { call, cancel } = aCancellableCall();
  const waiting = pool.run(call, gate.task);
  cancel(new Error("gone"));
  await expect(waiting).rejects.toThrow("gone");
  const next = pool.run(aCall(), gate.task);
  await gate.endOne();
  await gate.endOne();
  await Promise.all([first, next]);
});

test("a task that fails gives its place to the next", async () => {
  const pool = new HashPool({ concurrency: 1, queueLimit: 1 });
  const failing = pool.run(aCall(), async () => {
    throw new Error("no");
  });
  const next = pool.run(aCall(), async () => "next");
  await expect(failing).rejects.toThrow("no");
  expect(await next).toBe("next");
  expect(await pool.run(aCall(), async () => "after")).toBe("after");
});
