import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { figure } from "../support/figures.ts";
import { otherPassword, password } from "../support/services.ts";
import { stress } from "../support/stress.ts";
import type { TwoServices } from "../tokens/two-services.ts";
import { hashesOf, startCounted } from "./counted-services.ts";
import { answerTo, newTarget, nobody, type Target, verifyPassword } from "./guesses.ts";

/** Hashes long enough to go away in the midst of, and little room for them. */
let services: TwoServices;
beforeAll(async () => {
  services = await startCounted({
    AUTH_ARGON2_MEMORY: "65536",
    AUTH_HASH_CONCURRENCY: "1",
    AUTH_HASH_QUEUE: "2",
  });
});
afterAll(() => services?.[Symbol.asyncDispose]());

const hashes = () => hashesOf(services.first.service);
const failuresOf = async ({ id }: Target) => {
  const rows = await services.query("select failures from account_attempts where account = $1", [
    `users/${id}`,
  ]);
  return Number(rows[0]?.["failures"] ?? 0);
};

describe("callers who do not wait for their answer", () => {
  // Another text than its prepared form, so that two hashes are computed, with a moment between them to go.
  const inTwoForms = `${otherPassword} é`.normalize("NFD");

  test.each([
    ["a password that is hashed once", otherPassword, 1],
    ["a password that is hashed in two forms", inTwoForms, 2],
  ])("have no more hashes computed than others: %s", { timeout: 120_000 }, async (what, secret, each) => {
    const target = await newTarget(services.first);
    const before = await hashes();
    const guesses = stress(80, 800);
    const startedAt = performance.now();
    for (let i = 0; i < guesses; i++) {
      const signal = AbortSignal.timeout((i * 7) % 200);
      await services.first.authentication
        .verifyPassword({ identifier: target.username, password: secret }, { signal })
        .catch(() => {});
    }
    await sleep(500);
    const computed = (await hashes()) - before;
    const counted = await failuresOf(target);
    figure(`guesses whose callers go: ${what}`, { guesses, computed, counted });
    expect(performance.now() - startedAt).toBeLessThan(60_000);
    // Ten, and one more for the lock that may have ended meanwhile.
    expect(computed).toBeGreaterThan(0);
    expect(computed).toBeLessThanOrEqual(11 * each);
    expect(counted).toBeGreaterThanOrEqual(computed / each);
  });

  test("lose nothing where no hash was begun", { timeout: 60_000 }, async () => {
    const target = await newTarget(services.first);
    const others = keepBusy(1);
    for (let i = 0; i < 20; i++) {
      const signal = AbortSignal.timeout(30);
      await services.first.authentication
        .verifyPassword({ identifier: target.username, password: otherPassword }, { signal })
        .catch(() => {});
    }
    await others.end();
    await sleep(500);
    const counted = await failuresOf(target);
    figure("guesses whose callers go before their hash", { guesses: 20, counted });
    // Whoever goes while it is being counted, or is hashed after all between two others, stays counted.
    expect(counted).toBeLessThan(20);
  });
});

test("attempts that are refused for want of room for their hash are given back", {
  timeout: 60_000,
}, async () => {
  const target = await newTarget(services.first);
  const others = keepBusy(8);
  const counts: Record<string, number> = {};
  for (let i = 0; i < 60; i++) {
    const { reason } = await answerTo(verifyPassword(services.first, target));
    counts[reason] = (counts[reason] ?? 0) + 1;
    if (counts["CREDENTIALS_INVALID"] === 5) break;
  }
  await others.end();
  figure("guesses at a service without room", counts);
  const wrong = counts["CREDENTIALS_INVALID"] ?? 0;
  expect(Object.keys(counts).sort()).toEqual(["CREDENTIALS_INVALID", "OVERLOADED"].slice(wrong > 0 ? 0 : 1));
  expect(counts["OVERLOADED"]).toBeGreaterThan(0);
  expect(await failuresOf(target)).toBe(wrong);
  expect((await answerTo(verifyPassword(services.second, target, password))).reason).toBe("OK");
});

/** So many callers whose hashes take the room, until they are told to end. */
function keepBusy(callers: number): { end(): Promise<void> } {
  let goesOn = true;
  const all = Array.from({ length: callers }, async () => {
    while (goesOn) await answerTo(verifyPassword(services.first, nobody()));
  });
  return {
    async end() {
      goesOn = false;
      await Promise.all(all);
    },
  };
}
