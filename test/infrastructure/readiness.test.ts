import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Readiness } from "../../src/infrastructure/readiness.ts";

/** Pings that go as they are told, counted, with what was said of them. */
function watched(outcomes: (ping: number) => Promise<void>, options = {}) {
  const said: boolean[] = [];
  let pings = 0;
  const readiness = new Readiness({
    ping: () => outcomes(pings++),
    onChange: (ready) => said.push(ready),
    intervalMs: 5,
    timeoutMs: 50,
    ...options,
  });
  return { said, readiness, pings: () => pings };
}

const fails = async () => {
  throw new Error("gone");
};
const answers = async () => {};

test("is ready at first, and says so once while the database answers", async () => {
  const { said, readiness, pings } = watched(answers);
  await expect.poll(pings).toBeGreaterThan(5);
  expect(said).toEqual([true]);
  readiness[Symbol.dispose]();
});

test("one lost ping changes nothing, two in a row do, and so back again", async () => {
  const lost = new Set([1, 3, 5, 6, 8]);
  const { said, readiness, pings } = watched((ping) => (lost.has(ping) ? fails() : answers()));
  await expect.poll(pings).toBeGreaterThan(12);
  expect(said).toEqual([true, false, true]);
  readiness[Symbol.dispose]();
});

test("a ping that does not answer in time has failed, and is told to give up", async () => {
  const aborted: unknown[] = [];
  const { said, readiness } = watched(answers, {
    timeoutMs: 10,
    ping: ({ signal }: { signal: AbortSignal }) =>
      new Promise<void>((_, reject) => {
        signal.addEventListener("abort", () => {
          aborted.push(signal.reason);
          reject(signal.reason);
        });
      }),
  });
  await expect.poll(() => said).toEqual([true, false]);
  expect(aborted.length).toBeGreaterThanOrEqual(2);
  expect(readiness.ready).toBe(false);
  readiness[Symbol.dispose]();
});

test("once disposed it says no, once, and pings no more", async () => {
  const { said, readiness, pings } = watched(answers);
  readiness[Symbol.dispose]();
  readiness[Symbol.dispose]();
  expect(said).toEqual([true, false]);
  const before = pings();
  await sleep(30);
  expect(pings()).toBe(before);
});
