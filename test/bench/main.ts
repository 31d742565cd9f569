/**
 * `npm run bench [-- figure…]`: measures every figure now, beside its baseline, and prints it with its bar.
 *
 * --write    also writes docs/benchmarks.md; figures that were not measured keep their rows
 * --smoke    runs each benchmark as briefly as possible and prints its figure without its bar; for CI
 * --against  with call-cost: compares with a revision, whose own echo server runs in the same turns
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { attemptAborts } from "./attempt-aborts.ts";
import { authorisation } from "./authorisation.ts";
import { callCost } from "./call-cost.ts";
import { type Effort, fullEffort, smokeEffort } from "./effort.ts";
import type { Figure } from "./figure.ts";
import { getUserRate } from "./get-user-rate.ts";
import { halfSentMessages } from "./half-sent-messages.ts";
import { importRate } from "./import-rate.ts";
import { introspectRate } from "./introspect-rate.ts";
import { listUsers } from "./list-users.ts";
import { passwordRate } from "./password-rate.ts";
import { report } from "./report.ts";
import { revokeAll } from "./revoke-all.ts";
import { roundTrips } from "./round-trips.ts";
import { startAndMemory } from "./start-and-memory.ts";
import { twoProcesses } from "./two-processes.ts";

const groups: Record<string, (effort: Effort, against?: string) => Promise<Figure[]>> = {
  "call-cost": callCost,
  authorisation,
  "get-user-rate": getUserRate,
  "introspect-rate": introspectRate,
  "round-trips": roundTrips,
  "revoke-all": revokeAll,
  "half-sent-messages": halfSentMessages,
  "password-rate": passwordRate,
  "attempt-aborts": attemptAborts,
  "list-users": listUsers,
  "import-rate": importRate,
  "two-processes": twoProcesses,
  "start-and-memory": startAndMemory,
};

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    write: { type: "boolean", default: false },
    smoke: { type: "boolean", default: false },
    against: { type: "string" },
  },
});
const unknown = names.find((name) => !Object.hasOwn(groups, name));
if (unknown !== undefined)
  throw new Error(`unknown figure ${unknown}: expected ${Object.keys(groups).join(", ")}`);
if (options.write && options.smoke) throw new Error("--smoke measures nothing that --write could keep");
if (options.against !== undefined && names.join() !== "call-cost") {
  throw new Error("--against REVISION is for call-cost only");
}

const effort = options.smoke ? smokeEffort : fullEffort;
const smokeTimeoutMs = 60_000;
const figures: Figure[] = [];
const failed: string[] = [];
for (const name of names.length > 0 ? names : Object.keys(groups)) {
  const startedAt = performance.now();
  try {
    const measured = await withinTime(groups[name]?.(effort, options.against) ?? Promise.resolve([]));
    if (measured.length === 0) throw new Error("it printed no figure");
    for (const figure of measured) print(figure);
    figures.push(...measured);
  } catch (error) {
    // One that stops must not keep the others from being measured.
    failed.push(name);
    process.stdout.write(`FAILED   ${name}: ${error instanceof Error ? error.stack : String(error)}\n`);
  }
  if (options.smoke)
    process.stdout.write(`         ${name}: ${Math.round(performance.now() - startedAt)} ms\n`);
}
if (options.write) {
  const file = join(import.meta.dirname, "../../docs/benchmarks.md");
  writeFileSync(file, report(figures, readFileSync(file, "utf8")));
}
if (failed.length > 0) process.stdout.write(`${failed.length} failed: ${failed.join(", ")}\n`);
// A benchmark that ran out of time leaves processes and timers behind.
process.exit(failed.length > 0 ? 1 : 0);

/** A smoke run says nothing of bars: it is too short to. */
function print({ name, value, bar, met, detail }: Figure): void {
  if (options.smoke) {
    if (/NaN|Infinity/.test(value)) throw new Error(`${name}: ${value} is not a figure (${detail})`);
    process.stdout.write(`ran      ${name}: ${value} (${detail})\n`);
  } else {
    process.stdout.write(`${metText(met)}  ${name}: ${value} (bar ${bar}; ${detail})\n`);
  }
}

function metText(met: boolean | undefined): string {
  if (met === undefined) return "figure ";
  return met ? "met    " : "NOT MET";
}

function withinTime(measuring: Promise<Figure[]>): Promise<Figure[]> {
  if (!options.smoke) return measuring;
  const late = new Promise<never>((_, reject) => {
    const fail = () => reject(new Error(`it took more than ${smokeTimeoutMs} ms`));
    setTimeout(fail, smokeTimeoutMs).unref();
  });
  return Promise.race([measuring, late]);
}
