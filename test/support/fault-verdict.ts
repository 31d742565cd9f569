import { isDeepStrictEqual } from "node:util";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.ts";
import type { FaultLane, Stored } from "./fault-lane.ts";
import { type MutationScenario, newIds } from "./mutation-scenarios.ts";
import type { Faults } from "./wire-proxy.ts";

/** How many effects each error leaves open: what error_reason.proto promises. Any other is none for these faults. */
const effectsOf: Readonly<Record<string, readonly number[]>> = {
  DATABASE_UNAVAILABLE: [0],
  DATABASE_READ_ONLY: [0],
  CONTENTION: [0],
  OUTCOME_UNKNOWN: [0, 1],
  DEADLINE_EXCEEDED: [0, 1],
  CANCELLED: [0, 1],
};

/** What an answer can be: "OK", or the reason of its error. */
export interface Verdict {
  readonly answer: string;
  /** Whatever is not as promised, as sentences. Empty where all is well. */
  readonly failures: string[];
}

/**
 * Makes a call on a line with faults and looks at what it did: as many effects as its answer says, nothing left over;
 * then, on a healthy line, the same call again, which must be good and leave exactly one effect.
 */
export async function checkedCall(
  lane: FaultLane,
  scenario: MutationScenario,
  faults: Faults,
  timeoutMs?: number,
): Promise<Verdict> {
  const ids = newIds();
  await lane.layOut(await scenario.user(ids.id));
  lane.proxy.faults = faults;
  const options = timeoutMs === undefined ? {} : { timeoutMs };
  const [first] = await Promise.allSettled([scenario.call(lane.rpc, ids, options)]);
  lane.proxy.faults = () => undefined;
  const failures = [...(await lane.leftOver())];
  failures.push(...wrongEffects(scenario, first, await lane.stored()));

  const [second] = await Promise.allSettled([scenario.call(lane.rpc, ids)]);
  failures.push(...(await lane.leftOver()));
  failures.push(...wrongEnd(scenario, second, await lane.stored()));
  if (first.status === "fulfilled" && second.status === "fulfilled") {
    const same = scenario.effectIsOptional || isDeepStrictEqual(first.value, second.value);
    if (!same) failures.push("the repetition was answered with something else");
  }
  return { answer: answerOf(first), failures };
}

/** What is wrong with what there is after an answer. */
export function wrongEffects(
  scenario: MutationScenario,
  answer: PromiseSettledResult<unknown>,
  stored: Stored,
): string[] {
  const said = answerOf(answer);
  const allowed = said === "OK" ? (scenario.effectIsOptional ? [0, 1] : [1]) : effectsOf[said];
  if (allowed === undefined) return [`it was answered with ${said}`];
  const effects = countEffects(scenario, stored);
  return allowed.includes(effects) ? [] : [`${said}, but there are ${effects} effects: ${stored.changes}`];
}

/** What is wrong with the end: there is one effect, and the answer is good. */
export function wrongEnd(
  scenario: MutationScenario,
  answer: PromiseSettledResult<unknown>,
  stored: Stored,
): string[] {
  const failures: string[] = [];
  const said = answerOf(answer);
  if (said !== "OK") failures.push(`the repetition was answered with ${said}`);
  if (countEffects(scenario, stored) !== 1) failures.push(`the end is no single effect: ${stored.changes}`);
  const { password, ...user } = scenario.becomes;
  const [only, ...others] = stored.users;
  if (others.length > 0) failures.push(`there are ${stored.users.length} users`);
  if (!isDeepStrictEqual({ ...only, ...user }, only)) failures.push(`the user is ${JSON.stringify(only)}`);
  if (password !== undefined && stored.password !== password)
    failures.push(`the password is ${stored.password}`);
  if (stored.requests !== (scenario.changes.includes("insert requests") ? 1 : 0)) {
    failures.push(`there are ${stored.requests} requests`);
  }
  const { user: answered } = (answer as { value?: { user?: { etag?: string } } }).value ?? {};
  const etag = answered?.etag;
  if (etag !== undefined && etag !== String(only?.version)) failures.push(`the answer's etag is ${etag}`);
  return failures;
}

/** By the rows that were committed: none, all of one effect, or (NaN) anything else. */
function countEffects({ changes }: MutationScenario, stored: Stored): number {
  if (stored.changes.length === 0) return 0;
  return isDeepStrictEqual(stored.changes, changes) ? 1 : Number.NaN;
}

/** "OK", the reason of an error of the service, or the code of one without. */
export function answerOf(answer: PromiseSettledResult<unknown>): string {
  if (answer.status === "fulfilled") return "OK";
  const error = ConnectError.from(answer.reason);
  const [info] = error.findDetails(ErrorInfoSchema);
  // The caller's own clock may be the first to say that the time is over.
  if (info === undefined && error.code === Code.DeadlineExceeded) return "DEADLINE_EXCEEDED";
  return info?.reason ?? `${Code[error.code]}: ${error.rawMessage}`;
}
