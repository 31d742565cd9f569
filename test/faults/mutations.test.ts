import { afterAll, describe, expect, test } from "vitest";
import { type FaultLane, FaultLanes } from "../support/fault-lane.ts";
import { answerOf, checkedCall, wrongEnd } from "../support/fault-verdict.ts";
import { allFaults, nth, whats } from "../support/faults.ts";
import {
  type MutationScenario,
  mutatingMethods,
  mutationScenarios,
  newIds,
} from "../support/mutation-scenarios.ts";
import { stress } from "../support/stress.ts";
import type { Fault, Faults, InjectedError } from "../support/wire-proxy.ts";

/** Of the cases of a kind, one in so many is tried, beginning at another one for each scenario. */
const strides = {
  postgresql: { once: 1, always: stress(6, 1) },
  cockroachdb: { once: stress(3, 1), always: stress(6, 1) },
};
const persistentTimeoutMs = 300;
const testTimeoutMs = stress(60_000, 600_000);

const scenarios = mutationScenarios.map((scenario, offset) => ({ name: scenario.name, scenario, offset }));

test("there is a scenario for every RPC that writes", () => {
  const covered = new Set(mutationScenarios.map(({ method }) => method));
  expect(mutatingMethods().length).toBeGreaterThan(7);
  for (const method of mutatingMethods()) expect([...covered], method.name).toContain(method);
});

describe.each(["postgresql", "cockroachdb"] as const)("on a server that looks like %s", (as) => {
  const lanes = new FaultLanes(as, 2);
  const crowdedLanes = new FaultLanes(as, 4);
  afterAll(async () => {
    await lanes[Symbol.asyncDispose]();
    await crowdedLanes[Symbol.asyncDispose]();
  });

  test.concurrent.each(scenarios)(
    "$name: any fault at any statement, before or after it applied, has the effect that the answer says",
    ({ scenario, offset }) =>
      lanes.use(async (lane) => {
        const statements = await statementsOf(lane, scenario);
        expect(statements.at(-1)).toBe("COMMIT");
        const failures: string[] = [];
        const cases = [...statements.entries()].flatMap(([index, statement]) =>
          allFaults.map((each) => ({ index, statement, ...each })),
        );
        for (const { index, statement, name, fault } of oneIn(strides[as].once, cases, offset)) {
          const { answer, failures: found } = await checkedCall(lane, scenario, nth(index, fault));
          // One fault is the unit of work's to deal with.
          if (answer !== "OK") found.push(`it was answered with ${answer}`);
          failures.push(...found.map((failure) => `${name} ${index} ${short(statement)}: ${failure}`));
        }
        expect(failures).toEqual([]);
      }),
    testTimeoutMs,
  );

  test.concurrent.each(scenarios)(
    "$name: any fault that stays at a statement ends in time, with the effect that the answer says",
    ({ scenario, offset }) =>
      lanes.use(async (lane) => {
        const statements = [...new Set(await statementsOf(lane, scenario))];
        const cases = statements
          .flatMap((statement) => allFaults.map((each) => ({ statement, ...each })))
          .filter(({ statement, fault }) => !isLie(statement, fault));
        const failures: string[] = [];
        for (const { statement, name, fault } of oneIn(strides[as].always, cases, offset)) {
          const always: Faults = (text) => (text === statement ? fault : undefined);
          const found = await checkedCall(lane, scenario, always, persistentTimeoutMs);
          failures.push(
            ...found.failures.map((failure) => `${name} at every ${short(statement)}: ${failure}`),
          );
        }
        expect(failures).toEqual([]);
      }),
    testTimeoutMs,
  );

  test.concurrent.each(scenarios)(
    "$name: any fault at the ROLLBACK that a fault made necessary is dealt with",
    ({ scenario }) =>
      lanes.use(async (lane) => {
        const failures: string[] = [];
        for (const { name, fault } of allFaults) {
          const first = once("COMMIT", { when: "before", what: whats["40001"]! });
          const second = once("ROLLBACK", fault);
          const found = await checkedCall(lane, scenario, (text) => first(text) ?? second(text));
          if (found.answer !== "OK") found.failures.push(`it was answered with ${found.answer}`);
          failures.push(...found.failures.map((failure) => `${name} at ROLLBACK: ${failure}`));
        }
        expect(failures).toEqual([]);
      }),
    testTimeoutMs,
  );

  test.concurrent.each(scenarios)(
    "$name: one request sent eight times at once, among faults, has one effect and one answer",
    ({ scenario }) =>
      crowdedLanes.use(async (lane) => {
        for (let round = 0; round < stress(4, 100); round++) {
          const seed = Math.floor(Math.random() * 2 ** 31);
          expect(await crowd(lane, scenario, seed), `seed ${seed}`).toEqual([]);
        }
      }),
    testTimeoutMs,
  );
});

/** Sends a call eight times at once on a line with faults, then once more on a healthy one. Answers what is wrong. */
async function crowd(lane: FaultLane, scenario: MutationScenario, seed: number): Promise<string[]> {
  const ids = newIds();
  await lane.layOut(await scenario.user(ids.id));
  const random = randomNumbers(seed);
  lane.proxy.faults = () =>
    random() < 0.15 ? allFaults[Math.floor(random() * allFaults.length)]?.fault : undefined;
  const answers = await Promise.allSettled(
    Array.from({ length: 8 }, () => scenario.call(lane.rpc, ids, { timeoutMs: 2_000 })),
  );
  lane.proxy.faults = () => undefined;
  const failures = await lane.leftOver();
  const [last] = await Promise.allSettled([scenario.call(lane.rpc, ids)]);
  failures.push(...(await lane.leftOver()), ...wrongEnd(scenario, last, await lane.stored()));
  for (const answer of answers) {
    const said = answerOf(answer);
    if (!clearAnswers.has(said)) failures.push(`one was answered with ${said}`);
    if (answer.status !== "fulfilled" || last.status !== "fulfilled" || scenario.effectIsOptional) continue;
    if (JSON.stringify(answer.value, plain) !== JSON.stringify(last.value, plain)) {
      failures.push("two were answered differently");
    }
  }
  return failures;
}

const clearAnswers = new Set([
  "OK",
  "DATABASE_UNAVAILABLE",
  "CONTENTION",
  "OUTCOME_UNKNOWN",
  "DEADLINE_EXCEEDED",
  // Eight at once, some of them counted twice because an answer was lost, are nearly as many as are free.
  "TOO_MANY_ATTEMPTS",
]);

const plain = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);

/** Numbers from 0 to 1 that only a seed decides (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function oneIn<T>(stride: number, cases: readonly T[], offset: number): T[] {
  return cases.filter((_, index) => index % stride === offset % stride);
}

/**
 * Whether a server says of a commit that took place that it did not. One such answer is set right by the repetition; of a
 * server that goes on like that nobody can learn the truth, and no server does.
 */
function isLie(statement: string, { when, what }: Fault): boolean {
  return statement === "COMMIT" && when === "after" && /^40(001|P01)$/.test((what as InjectedError).code);
}

/** The statements of a call that nothing goes wrong with. */
async function statementsOf(lane: FaultLane, scenario: MutationScenario): Promise<string[]> {
  const ids = newIds();
  await lane.layOut(await scenario.user(ids.id));
  lane.proxy.statements.length = 0;
  await scenario.call(lane.rpc, ids);
  return [...lane.proxy.statements];
}

function once(statement: string, fault: Fault): Faults {
  let done = false;
  return (text) => {
    if (done || text !== statement) return undefined;
    done = true;
    return fault;
  };
}

function short(statement: string): string {
  return statement.trim().split(/\s+/).slice(0, 4).join(" ");
}
