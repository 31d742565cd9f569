import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { repeatedly } from "../../../src/infrastructure/process/repeatedly.ts";

test("runs again and again, never twice at once, until it is disposed", async () => {
  let [runs, running, most] = [0, 0, 0];
  const background = repeatedly({
    task: async () => {
      running += 1;
      most = Math.max(most, running);
      await sleep(5);
      running -= 1;
      runs += 1;
    },
    everyMs: 2,
    timeoutMs: 1_000,
    onError: () => expect.fail("nothing fails"),
  });
  await expect.poll(() => runs).toBeGreaterThan(4);
  background[Symbol.dispose]();
  await sleep(20);
  const before = runs;
  await sleep(30);
  expect(runs).toBe(before);
  expect(most).toBe(1);
});

test("goes on after a failure, and tells of it", async () => {
  const errors: unknown[] = [];
  let runs = 0;
  const background = repeatedly({
    task: async () => {
      runs += 1;
      throw new Error(`run ${runs}`);
    },
    everyMs: 2,
    timeoutMs: 1_000,
    onError: (error) => errors.push(error),
  });
  await expect.poll(() => errors.length).toBeGreaterThan(2);
  background[Symbol.dispose]();
});

test("gives a run no more than its time", async () => {
  const errors: unknown[] = [];
  const background = repeatedly({
    task: ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
    everyMs: 1,
    timeoutMs: 10,
    onError: (error) => errors.push(error),
  });
  await expect.poll(() => errors.length).toBeGreaterThan(0);
  expect(errors[0]).toMatchObject({ name: "TimeoutError" });
  background[Symbol.dispose]();
});
