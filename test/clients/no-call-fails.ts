import type { ServiceError } from "@grpc/grpc-js";
import { expect } from "vitest";
import type { FailedCall } from "../support/steady-load.ts";

/** The outcome of a trial. */
export interface Trial {
  readonly failures: readonly string[];
  /** Whether the database did not keep up: then failures say nothing about the transport. */
  readonly slowDatabase: boolean;
}

const trials = 3;
const shown = 5;

/** Of one call. Longer than a busy machine needs, so that it ends only calls that hang. */
export const deadlineMs = 14_000;

/** Expects a trial without failures. Repeats a trial in which the machine was too busy for the database. */
export async function expectNoFailure(trial: () => Promise<Trial>): Promise<void> {
  for (let n = 1; ; n++) {
    const { failures, slowDatabase } = await trial();
    if (failures.length > 0 && slowDatabase && n < trials) continue;
    const note = slowDatabase ? ", but the database did not keep up" : "";
    expect(failures.slice(0, shown), `${failures.length} calls failed${note}`).toEqual([]);
    return;
  }
}

/** Reasons that the service gives when its database fails: the transport has delivered its answer. */
const databaseReasons = ["CONTENTION", "DATABASE_UNAVAILABLE", "DATABASE_READ_ONLY", "OUTCOME_UNKNOWN"];

/** The failures that are not the database's, as text. */
export function failuresOfTransport(failures: readonly FailedCall[]): string[] {
  return failures
    .filter(({ error }) => !databaseReasons.some((reason) => hasReason(error, reason)))
    .map(({ method, error, ms }) => `${method}: ${error.message} after ${ms} ms`);
}

function hasReason({ metadata }: ServiceError, reason: string): boolean {
  return metadata.get("grpc-status-details-bin").some((details) => details.includes(reason));
}
