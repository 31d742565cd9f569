import { setTimeout as sleep } from "node:timers/promises";
import { boundedHeap, memoryOf } from "../support/process-figures.ts";
import { type BenchDatabase, openBenchDatabase } from "./bench-database.ts";
import { startBenchService } from "./bench-service.ts";
import type { Effort } from "./effort.ts";
import { type Figure, median, round } from "./figure.ts";
import { getUser } from "./get-user-rate.ts";
import { runLoad } from "./load-job.ts";

const starts = 7;
const calls = 1_000_000;

/** How long a start takes on a database that is there, and what the process keeps in memory. */
export async function startAndMemory(effort: Effort): Promise<Figure[]> {
  await using database = await openBenchDatabase(effort.count(10_000));
  const startMs: number[] = [];
  for (let i = 0; i < effort.rounds(starts); i++) {
    await using service = await startBenchService(database.uri);
    startMs.push(service.startedAfterMs);
  }
  const free = await memory(effort, database, {});
  const bounded = await memory(effort, database, boundedHeap);
  const start = median(startMs);
  return [
    {
      name: "start to SERVING on an existing database",
      value: `${round(start / 1_000)} s`,
      bar: "≤ 0.7 s",
      met: start <= 700,
      detail: `median of ${startMs.length}, from ${round(Math.min(...startMs), 0)} to ${round(Math.max(...startMs), 0)} ms`,
    },
    {
      name: "resident memory, idle",
      value: `${round(free.idleMiB, 0)} MiB`,
      bar: "≤ 120 MB",
      met: free.idleMiB * 1.048_576 <= 120,
      detail: `10 s after a start; ${round(bounded.idleMiB, 0)} MiB under ${boundedHeap.NODE_OPTIONS}`,
    },
    {
      name: "resident memory after 1 M calls, more than idle",
      value: `${round(free.laterMiB - free.idleMiB, 0)} MiB`,
      bar: "≤ 30 MB",
      met: (free.laterMiB - free.idleMiB) * 1.048_576 <= 30,
      detail: `${round(free.laterMiB, 0)} MiB after ${free.answered} calls of GetUser; ${round(bounded.laterMiB - bounded.idleMiB, 0)} MiB more under the bound`,
    },
  ];
}

/** Resident memory 10 s after a start, and 10 s after a million calls. */
async function memory(effort: Effort, database: BenchDatabase, env: Record<string, string>) {
  await using service = await startBenchService(database.uri, { env });
  await sleep(effort.seconds(10) * 1_000);
  const idleMiB = await memoryOf(service);
  const job = getUser(service.address, database);
  let answered = 0;
  while (answered < effort.count(calls))
    answered += (await runLoad({ ...job, seconds: effort.seconds(20) })).answered;
  await sleep(effort.seconds(10) * 1_000);
  return { idleMiB, laterMiB: await memoryOf(service), answered };
}
