/**
 * `npm run bench [-- figure…]`: measures every figure now, beside its baseline, and prints it with its bar.
 * With `--write` docs/benchmarks.md is written too; figures that were not measured keep their rows.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { authorisation } from "./authorisation.ts";
import { callCost } from "./call-cost.ts";
import type { Figure } from "./figure.ts";
import { getUserRate } from "./get-user-rate.ts";
import { importRate } from "./import-rate.ts";
import { introspectRate } from "./introspect-rate.ts";
import { listUsers } from "./list-users.ts";
import { passwordRate } from "./password-rate.ts";
import { report } from "./report.ts";
import { roundTrips } from "./round-trips.ts";
import { startAndMemory } from "./start-and-memory.ts";
import { twoProcesses } from "./two-processes.ts";

const groups: Record<string, () => Promise<Figure[]>> = {
  "call-cost": callCost,
  authorisation,
  "get-user-rate": getUserRate,
  "introspect-rate": introspectRate,
  "round-trips": roundTrips,
  "password-rate": passwordRate,
  "list-users": listUsers,
  "import-rate": importRate,
  "two-processes": twoProcesses,
  "start-and-memory": startAndMemory,
};

const args = process.argv.slice(2);
const names = args.filter((arg) => !arg.startsWith("--"));
const unknown = names.find((name) => !Object.hasOwn(groups, name));
if (unknown !== undefined) throw new Error(`${unknown} is none of ${Object.keys(groups).join(", ")}`);

const figures: Figure[] = [];
for (const name of names.length > 0 ? names : Object.keys(groups)) {
  for (const figure of (await groups[name]?.()) ?? []) {
    figures.push(figure);
    const { name: what, value, bar, met, detail } = figure;
    process.stdout.write(`${met ? "met    " : "NOT MET"}  ${what}: ${value} (bar ${bar}; ${detail})\n`);
  }
}
if (args.includes("--write")) {
  const file = join(import.meta.dirname, "../../docs/benchmarks.md");
  writeFileSync(file, report(figures, readFileSync(file, "utf8")));
}
