import { execFile } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { cpuMsOf } from "../support/process-figures.ts";
import { type BenchDatabase, openBenchDatabase } from "./bench-database.ts";
import { startBenchService } from "./bench-service.ts";
import type { Effort } from "./effort.ts";
import { type Figure, median, round } from "./figure.ts";

const rounds = 5;
const atOnce = 2;

/** ImportUsers of 10,000 users a stream, beside the same rows written by `pg` alone, in turns. */
export async function importRate(effort: Effort): Promise<Figure[]> {
  const run = runWith(effort.smoke ? 1 : 20);
  await using database = await openBenchDatabase(effort.count(10_000));
  await using service = await startBenchService(database.uri);
  const imports: number[] = [];
  const cpuMicros: number[] = [];
  const inserts: number[] = [];
  for (let i = 0; i <= effort.rounds(rounds); i++) {
    await settle(database);
    const cpuBefore = await cpuMsOf(service);
    const imported = await run("import-load.ts", service.address, `import-${i}`);
    const cpuMs = (await cpuMsOf(service)) - cpuBefore;
    await settle(database);
    const inserted = await run("pg-inserts.ts", database.uri, `insert-${i}`);
    // The first round warms up.
    if (i === 0) continue;
    imports.push(imported.perSecond);
    cpuMicros.push((cpuMs * 1e3) / imported.users);
    inserts.push(inserted.perSecond);
  }
  const ratio = median(imports.map((perSecond, i) => perSecond / (inserts[i] ?? 0)));
  const perSecond = median(imports);
  const cpu = `${round(median(cpuMicros), 0)} µs of CPU each`;
  return [
    {
      name: `ImportUsers, users/s on ${atOnce} streams ÷ the same rows by bare pg on ${atOnce} connections`,
      value: round(ratio),
      bar: "≥ 0.8",
      met: ratio >= 0.8,
      detail: `${round(perSecond, 0)}/s (${cpu}) ÷ ${round(median(inserts), 0)}/s`,
    },
    {
      name: "ImportUsers, pre-hashed users of one process",
      value: `${round(perSecond, 0)}/s`,
      bar: "none; the aim is 10,000/s on two quiet cores",
      met: undefined,
      detail: `${atOnce} streams of 10,000, batches of 500, each user with an event`,
    },
  ];
}

/**
 * Waits until the service has placed every event, and cleans up. Bare inserts leave up to 9,000 of 20,000 events without a
 * place, at 70 µs of PostgreSQL's CPU each: the import that came next paid for them.
 */
async function settle({ query }: BenchDatabase): Promise<void> {
  await query("set default_transaction_isolation = 'read committed'");
  const unplaced = "select exists (select 1 from events where position = 0) as any";
  while ((await query<{ any: boolean }>(unplaced))[0]?.any) await sleep(50);
  await query("vacuum analyze");
}

/** Runs one of the two programs, on streams of so many batches. */
function runWith(batches: number) {
  return async (program: string, target: string, name: string) => {
    const args = [join(import.meta.dirname, program), target, name, String(atOnce), String(batches)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return JSON.parse(stdout) as { readonly perSecond: number; readonly users: number };
  };
}
