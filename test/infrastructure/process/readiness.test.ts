import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { Readiness } from "../../../src/infrastructure/process/readiness.ts";

/** Checks that pass or fail as a function of their number, counted, with every state that was reported. */
async function watched(outcomes: (check: number) => Promise<void>, options = {}) {
  const said: boolean[] = [];
  let checks = 0;
  const readiness = await Readiness.begin({
    check: () => outcomes(checks++),
    onChange: (ready) => said.push(ready),
    intervalMs: 5,
    timeoutMs: 50,
    ...options,
  });
  onTestFinished(() => readiness[Symbol.dispose]());
  return { said, readiness, checks: () => checks };
}

const failure = new Error("gone");
const fails = async () => {
  throw failure;
};
const passes = async () => {};

test("is ready once the first check has passed, and reports it once while checks pass", async () => {
  const { said, checks } = await watched(passes);
  expect(said).toEqual([true]);
  await expect.poll(checks).toBeGreaterThan(5);
  expect(said).toEqual([true]);
});

test("is not ready at first if the first check fails, and becomes ready after two that pass", async () => {
  const failing = new Set([0, 1, 3]);
  const { said, readiness, checks } = await watched((check) => (failing.has(check) ? fails() : passes()));
  expect(said).toEqual([false]);
  expect(readiness.cause).toBe(failure);
  await expect.poll(checks).toBeGreaterThan(6);
  expect(said).toEqual([false, true]);
  expect(readiness.cause).toBeUndefined();
});

test("one lost check changes nothing, two in a row do, and so back again", async () => {
  const lost = new Set([1, 3, 5, 6, 8]);
  const { said, checks } = await watched((check) => (lost.has(check) ? fails() : passes()));
  await expect.poll(checks).toBeGreaterThan(12);
  expect(said).toEqual([true, false, true]);
});

test("a check in doubt is repeated sooner", async () => {
  const failed = Promise.withResolvers<void>();
  const { said } = await watched((check) => (check === 0 ? passes() : fails()), {
    intervalMs: 60,
    recheckIntervalMs: 1,
    onChange: (ready: boolean) => ready || failed.resolve(),
  });
  const startedAt = performance.now();
  await failed.promise;
  expect(performance.now() - startedAt).toBeLessThan(120);
  expect(said).toEqual([]);
});

test("a check that does not answer in time has failed, and is told to give up", async () => {
  const aborted: unknown[] = [];
  let checks = 0;
  const { said, readiness } = await watched(passes, {
    timeoutMs: 10,
    check: ({ signal }: { signal: AbortSignal }) =>
      checks++ === 0
        ? passes()
        : new Promise<void>((_, reject) => {
            signal.addEventListener("abort", () => {
              aborted.push(signal.reason);
              reject(signal.reason);
            });
          }),
  });
  await expect.poll(() => said).toEqual([true, false]);
  expect(aborted.length).toBeGreaterThanOrEqual(2);
  expect(readiness.ready).toBe(false);
});

test("once disposed it says no, once, and checks no more", async () => {
  const { said, readiness, checks } = await watched(passes);
  readiness[Symbol.dispose]();
  readiness[Symbol.dispose]();
  expect(said).toEqual([true, false]);
  const before = checks();
  await sleep(30);
  expect(checks()).toBe(before);
});
