import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Environment, RunningService } from "../support/service.ts";
import { TwoServices } from "../tokens/two-services.ts";
import { hashLine } from "./hash-line.ts";

/** Makes a service tell of each hash that it computes. */
export const reportingHashes: Environment = {
  NODE_OPTIONS: `--import=${join(import.meta.dirname, "report-hashes.ts")}`,
};

/** Two processes whose hashes are counted, with patience for a thousand calls at once. */
export function startCounted(environment: Environment = {}): Promise<TwoServices> {
  return TwoServices.start({ AUTH_MAX_DEADLINE: "60s", ...reportingHashes, ...environment });
}

/** Hashes that services have computed since they started, once the last of them has been told of. */
export async function hashesOf(...services: readonly Pick<RunningService, "process">[]): Promise<number> {
  const count = () =>
    services.flatMap(({ process }) => process.lines.filter((line) => line === hashLine)).length;
  for (let before = -1, now = count(); ; before = now, now = count()) {
    if (before === now) return now;
    await sleep(300);
  }
}
