import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { figure } from "../support/figures.ts";
import { password } from "../support/services.ts";
import { stress } from "../support/stress.ts";
import type { TwoServices } from "../tokens/two-services.ts";
import { hashesOf, startCounted } from "./counted-services.ts";
import {
  answerTo,
  authenticate,
  changePassword,
  countsOf,
  everyWay,
  type Guess,
  newTarget,
  nobody,
  type Target,
  verifyPassword,
} from "./guesses.ts";

const atOnce = 1_000;
const free = 10;
const lockSeconds = [30, 60, 120, 240, 480, 900, 900, 900];
const rounds = stress(1, 10);

let services: TwoServices;
beforeAll(async () => {
  services = await startCounted();
});
afterAll(() => services?.[Symbol.asyncDispose]());

const hashes = () => hashesOf(...services.both.map(({ service }) => service));
const failuresOf = async (target: Target) => {
  const rows = await services.query("select failures from account_attempts where account = $1", [
    `users/${target.id}`,
  ]);
  return Number(rows[0]?.["failures"] ?? 0);
};
/** Moves the account's lock into the past. */
const passLock = (target: Target) =>
  services.query("update account_attempts set lock_end_time = now() - interval '1 ms' where account = $1", [
    `users/${target.id}`,
  ]);

/** Attempts that are allowed within some time from the first: the free ones, and one after each lock. */
function mostWithin(elapsedMs: number): number {
  let most = free;
  let leftMs = elapsedMs;
  for (const seconds of lockSeconds) {
    leftMs -= seconds * 1_000;
    if (leftMs <= 0) return most;
    most += 1;
  }
  return most;
}

/**
 * Guesses by turns over both processes and all ways, all sent before the first of them is counted: no attempt can be until
 * those that may run at once, of both processes, wait for the table.
 */
async function guessAtOnce(target: Target, ways: readonly Guess[], count = atOnce) {
  const barrier = new Client({ connectionString: services.database.uri });
  await barrier.connect();
  try {
    await barrier.query("begin; lock table account_attempts in exclusive mode");
    const before = await hashes();
    const startedAt = performance.now();
    const sent = Array.from({ length: count }, (_, i) =>
      answerTo(ways[i % ways.length]!(services.byTurns(Math.floor(i / ways.length)), target)),
    );
    const waiting =
      "select count(*) from pg_locks where relation = 'account_attempts'::regclass and not granted";
    let waited = 0;
    for (let tries = 0; tries < 50 && waited < 8; tries++) {
      await sleep(20);
      waited = Number((await barrier.query(waiting)).rows[0].count);
    }
    await barrier.query("commit");
    const answers = await Promise.all(sent);
    const elapsedMs = performance.now() - startedAt;
    return { answers, waited, elapsedMs, hashes: (await hashes()) - before };
  } finally {
    await barrier.end();
  }
}

describe(`${atOnce} wrong guesses at once, over two processes`, () => {
  const cases: [string, () => Promise<Target>, readonly Guess[]][] = [
    ["VerifyPassword of a user", () => newTarget(services.first), [verifyPassword]],
    ["VerifyPassword of a name that nobody has", async () => nobody(), [verifyPassword]],
    ["Authenticate", () => newTarget(services.first), [authenticate]],
    ["the current password of ChangePassword", () => newTarget(services.first), [changePassword]],
    ["the current password of nobody", async () => nobody(), [changePassword]],
    ["every method and spelling", () => newTarget(services.first), everyWay],
  ];

  test.each(cases)(
    "%s: ten hashes are computed, and the right password is refused then",
    {
      timeout: 120_000 * rounds,
    },
    async (name, newOne, ways) => {
      for (let round = 0; round < rounds; round++) {
        const target = await newOne();
        const { answers, waited, elapsedMs, hashes: computed } = await guessAtOnce(target, ways);
        const counts = countsOf(answers);
        const wrong = counts["CREDENTIALS_INVALID"] ?? 0;
        figure(`${atOnce} guesses: ${name}`, {
          computed,
          ...counts,
          "at the barrier": waited,
          ms: Math.round(elapsedMs),
        });
        expect(waited).toBeGreaterThanOrEqual(8);
        expect(counts).toEqual({ CREDENTIALS_INVALID: wrong, TOO_MANY_ATTEMPTS: atOnce - wrong });
        expect(wrong).toBeGreaterThanOrEqual(free);
        expect(wrong).toBeLessThanOrEqual(mostWithin(elapsedMs));
        expect(computed).toBe(wrong);

        const before = await hashes();
        for (const clients of services.both) {
          for (const way of ways) {
            const right = await answerTo(way(clients, target, password));
            expect(right).toMatchObject({ reason: "TOO_MANY_ATTEMPTS" });
            expect(right.retryAfterMs).toBeGreaterThan(0);
          }
        }
        expect(await hashes()).toBe(before);
      }
    },
  );
});

describe("locks", () => {
  test("each is twice as long, over both processes, and after each there is one attempt, however many come", {
    timeout: 120_000,
  }, async () => {
    const target = await newTarget(services.first);
    for (let place = 0; place < free; place++)
      expect(
        (await answerTo(everyWay[place % everyWay.length]!(services.byTurns(place), target))).reason,
      ).toBe("CREDENTIALS_INVALID");
    for (const [place, seconds] of lockSeconds.entries()) {
      const clients = services.byTurns(place);
      const { reason, retryAfterMs } = await answerTo(verifyPassword(clients, target, password));
      expect(reason).toBe("TOO_MANY_ATTEMPTS");
      expect(retryAfterMs).toBeLessThanOrEqual(seconds * 1_000);
      expect(retryAfterMs).toBeGreaterThan((seconds - 15) * 1_000);
      await passLock(target);
      const burst = await guessAtOnce(target, everyWay, 60);
      expect(countsOf(burst.answers)).toEqual({ CREDENTIALS_INVALID: 1, TOO_MANY_ATTEMPTS: 59 });
      expect(burst.hashes).toBe(1);
    }
    expect(await failuresOf(target)).toBe(free + lockSeconds.length);
    await passLock(target);
    expect((await answerTo(verifyPassword(services.second, target, password))).reason).toBe("OK");
    const afterwards = await guessAtOnce(target, everyWay, 60);
    expect(countsOf(afterwards.answers)).toEqual({ CREDENTIALS_INVALID: free, TOO_MANY_ATTEMPTS: 60 - free });
  });

  test("at a hundred failures time opens nothing, and SetPassword does", async () => {
    const target = await newTarget(services.first);
    await answerTo(verifyPassword(services.first, target));
    await services.query("update account_attempts set failures = 99 where account = $1", [
      `users/${target.id}`,
    ]);
    expect((await answerTo(authenticate(services.second, target))).reason).toBe("CREDENTIALS_INVALID");
    const before = await hashes();
    for (const clients of services.both) {
      await passLock(target);
      for (const way of everyWay)
        expect(await answerTo(way(clients, target, password))).toEqual({
          reason: "TOO_MANY_ATTEMPTS",
          retryAfterMs: undefined,
        });
    }
    expect(await hashes()).toBe(before);
    const anew = "a password that was set anew";
    await services.first.authentication.setPassword({ userId: target.id, password: anew });
    expect((await answerTo(authenticate(services.second, target, anew))).reason).toBe("OK");
    expect(await failuresOf(target)).toBe(0);
  });

  test("names that nobody has are swept after 30 days, users never", { timeout: 120_000 }, async () => {
    const target = await newTarget(services.first);
    await answerTo(verifyPassword(services.first, target));
    await answerTo(verifyPassword(services.first, nobody()));
    const names = async () => {
      const rows = await services.query(
        `select account like 'names/%' as is_name, count(*) as count,
           min(forget_time - now()) between '29 days 23 hours' and '30 days' as in_thirty_days
         from account_attempts group by 1 order by 1`,
      );
      return rows.map(({ is_name, count, in_thirty_days }) => [is_name, Number(count) > 0, in_thirty_days]);
    };
    expect(await names()).toEqual([
      [false, true, null],
      [true, true, true],
    ]);
    await services.query(
      "update account_attempts set forget_time = forget_time - interval '30 days', lock_end_time = lock_end_time - interval '30 days'",
    );
    // A process sweeps as it starts, or a minute later.
    const endsAt = performance.now() + 90_000;
    while ((await names()).length > 1 && performance.now() < endsAt) await sleep(500);
    expect(await names()).toEqual([[false, true, null]]);
    expect(await failuresOf(target)).toBe(1);
  });
});

describe("a process that is killed amid guesses", () => {
  test("takes no count with it", { timeout: 120_000 }, async () => {
    for (let round = 0; round < stress(2, 20); round++) {
      const target = await newTarget(services.second);
      const { service } = services.first;
      const [a, b] = await Promise.all(services.both.map((each) => hashesOf(each.service)));
      const first = services.first;
      const sent = Array.from({ length: 100 }, () => answerTo(verifyPassword(first, target)));
      while ((await countNow(service)) === a) await sleep(1);
      service.process.kill("SIGKILL");
      const answers = await Promise.all(sent);
      await service.process.exited();
      const byKilled = (await countNow(service)) - (a ?? 0);
      const counted = await failuresOf(target);
      const later = await Promise.all(
        Array.from({ length: 100 }, () => answerTo(verifyPassword(services.second, target))),
      );
      const bySecond = (await hashesOf(services.second.service)) - (b ?? 0);
      figure("guesses at a process that is killed", { round, byKilled, counted, bySecond });
      expect(countsOf(answers)["TOO_MANY_ATTEMPTS"] ?? 0).toBeLessThan(100);
      expect(byKilled).toBeGreaterThan(0);
      expect(counted).toBeGreaterThanOrEqual(byKilled);
      expect(counted + bySecond).toBe(free);
      expect(countsOf(later)).toEqual({ CREDENTIALS_INVALID: bySecond, TOO_MANY_ATTEMPTS: 100 - bySecond });
      await services.restart(0);
      expect((await answerTo(verifyPassword(services.first, target, password))).reason).toBe(
        "TOO_MANY_ATTEMPTS",
      );
    }
  });

  const countNow = async ({ process }: TwoServices["first"]["service"]) =>
    process.lines.filter((line) => line.includes("a hash is computed")).length;
});
