/** The load of a benchmark, in a process of its own: reads a job from standard input, prints a LoadResult. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Http2Pump } from "./http2-pump.ts";
import type { LoadJob, LoadResult } from "./load-job.ts";

const job: LoadJob = JSON.parse(readFileSync(0, "utf8"));
const { warmUpSeconds = 0 } = job;
const latenciesMs: number[] = [];
let failures = 0;

const call = {
  path: job.path,
  headers: job.headers ?? {},
  messages: job.messages.map((hex) => Buffer.from(hex, "hex")),
};
const pumps = await Promise.all(
  Array.from({ length: job.connections ?? 4 }, () => Http2Pump.open(job.address, call)),
);

function measured(pump: Http2Pump, onEnd: () => void): void {
  const startedAt = performance.now();
  pump.call((answered) => {
    if (!answered) failures += 1;
    else if (startedAt >= measuredFrom) latenciesMs.push(performance.now() - startedAt);
    onEnd();
  });
}

/** So many calls in flight at every moment. */
async function closedLoop(inFlight: number, seconds: number): Promise<void> {
  const endsAt = performance.now() + seconds * 1_000;
  const lane = (index: number) =>
    new Promise<void>((resolve) => {
      const pump = pumps[index % pumps.length] as Http2Pump;
      const next = () => (performance.now() < endsAt ? measured(pump, next) : resolve());
      next();
    });
  await Promise.all(Array.from({ length: inFlight }, (_, index) => lane(index)));
}

/** So many calls a second, whatever becomes of them. */
async function openLoop(perSecond: number, seconds: number): Promise<void> {
  const startedAt = performance.now();
  const ended: Promise<void>[] = [];
  const total = Math.round(perSecond * seconds);
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1_000) * perSecond) + 1);
    for (; sent < due; sent++) {
      const pump = pumps[sent % pumps.length] as Http2Pump;
      ended.push(new Promise((resolve) => measured(pump, resolve)));
    }
    await sleep(Math.max(1, 1_000 / perSecond));
  }
  await Promise.all(ended);
}

const startedAt = performance.now();
const measuredFrom = startedAt + warmUpSeconds * 1_000;
if (job.perSecond === undefined) await closedLoop(job.inFlight ?? 64, warmUpSeconds + job.seconds);
else await openLoop(job.perSecond, warmUpSeconds + job.seconds);
const seconds = (performance.now() - measuredFrom) / 1_000;
for (const pump of pumps) pump.close();

latenciesMs.sort((a, b) => a - b);
const percentile = (p: number) =>
  latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(latenciesMs.length * p))] ?? 0;
const result: LoadResult = {
  answered: latenciesMs.length,
  failures,
  seconds,
  perSecond: latenciesMs.length / seconds,
  p50Ms: percentile(0.5),
  p99Ms: percentile(0.99),
};
process.stdout.write(JSON.stringify(result));
