import { Code } from "@connectrpc/connect";
import { expect } from "vitest";
import { patienceMs } from "../../src/infrastructure/db/budget.ts";
import type { CallRecord } from "./steady-callers.ts";

/** The bar: no call outlives its deadline by more. */
const toleranceMs = 100;

/** Milliseconds by which a call outlived its deadline, or, where it failed, the service's own patience. */
function overrun({ method, ms, deadlineMs = Number.POSITIVE_INFINITY, code, starvedMs }: CallRecord): number {
  // An attempt is begun by one unit of work and concluded by another, each with patience of its own.
  const units = method === "VerifyPassword" ? 2 : 1;
  const limitMs = code === undefined ? deadlineMs : Math.min(deadlineMs, units * patienceMs);
  // What a machine without a core to spare does is no fault of the service.
  return ms - starvedMs - limitMs;
}

export function worstOverrun(records: readonly CallRecord[]): number {
  return Math.round(Math.max(...records.map(overrun)));
}

/**
 * Every call came to an end in time, and each that failed says what its caller may do next: UNAVAILABLE with a time to
 * come back, DEADLINE_EXCEEDED, ABORTED where others were always first, for a write whose commit is in doubt UNKNOWN, and for an attempt too many
 * RESOURCE_EXHAUSTED.
 */
export function expectFailFast(records: readonly CallRecord[]): void {
  const late = records.filter((record) => overrun(record) > toleranceMs);
  expect(late).toEqual([]);
  const failed = records.filter(({ code }) => code !== undefined);
  expect(failed.filter((record) => !isAllowed(record))).toEqual([]);
}

function isAllowed({ method, code, reason, retryAfterMs = 0 }: CallRecord): boolean {
  switch (code) {
    case Code.Unavailable:
      return (reason === "DATABASE_UNAVAILABLE" || reason === "DATABASE_READ_ONLY") && retryAfterMs > 0;
    case Code.DeadlineExceeded:
      return reason === "DEADLINE_EXCEEDED";
    case Code.Unknown:
      return reason === "OUTCOME_UNKNOWN" && ["CreateUser", "UpdateUser", "VerifyPassword"].includes(method);
    case Code.Aborted:
      // Run again and again, until there was no patience left: events that are placed meanwhile are in the way too.
      return reason === "CONTENTION" && retryAfterMs > 0;
    case Code.ResourceExhausted:
      // Attempts whose end could not be noted count as failures: ten of them close the account for half a minute.
      return reason === "TOO_MANY_ATTEMPTS" && method === "VerifyPassword" && retryAfterMs > 0;
    default:
      return false;
  }
}

/** How often each answer was given: "OK 120, Unavailable 30". */
export function answersOf(records: readonly CallRecord[]): string {
  const counts = new Map<string, number>();
  for (const { code } of records) {
    const answer = code === undefined ? "OK" : Code[code];
    counts.set(answer, (counts.get(answer) ?? 0) + 1);
  }
  return [...counts].map(([answer, count]) => `${answer} ${count}`).join(", ");
}
