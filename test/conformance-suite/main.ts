/**
 * `npm run conformance [-- suite…]`: runs connectrpc/conformance against both ports and prints one line per suite and a
 * total. `connectconformance` must be in the PATH (`go install tool` in test/tools). Ends with an error if a case fails
 * that known-failures.txt does not list, or if a listed one passes.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compare, readOutcome, readPatterns, type Verdict } from "./outcome.ts";

const suites: Record<string, { readonly name: string; readonly config: string }> = {
  grpc: { name: "gRPC", config: "grpc.yaml" },
  http: { name: "Connect and gRPC-Web", config: "http.yaml" },
};

const here = import.meta.dirname;
const patterns = readPatterns(readFileSync(join(here, "known-failures.txt"), "utf8"));

/** One run of the suite: what it printed about its cases, and what the servers printed. */
function run(config: string): Promise<{ readonly output: string; readonly errors: string }> {
  const server = [process.execPath, join(here, "server.ts")];
  const options = ["--mode", "server", "--conf", join(here, config), "--max-servers", "2"];
  const suite = spawn("connectconformance", [...options, "--", ...server], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  suite.stdout.on("data", (data) => {
    output += data;
  });
  suite.stderr.on("data", (data) => {
    errors += data;
  });
  return new Promise((resolve, reject) => {
    suite.once("error", (cause) => reject(new Error("connectconformance cannot be started", { cause })));
    suite.once("close", () => resolve({ output, errors }));
  });
}

function line(name: string, { total, passed, known }: Verdict): string {
  return `${name}: ${passed} of ${total} passed, ${known} known\n`;
}

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !Object.hasOwn(suites, name));
if (unknown !== undefined)
  throw new Error(`unknown suite ${unknown}: expected ${Object.keys(suites).join(", ")}`);

const sum = { total: 0, passed: 0, known: 0 };
for (const [key, { name, config }] of Object.entries(suites)) {
  if (asked.length > 0 && !asked.includes(key)) continue;
  const { output, errors } = await run(config);
  const verdict = compare(readOutcome(output), patterns);
  if (verdict.faults.length > 0) process.stdout.write(errors);
  for (const fault of verdict.faults) process.stdout.write(`${fault}\n`);
  process.stdout.write(line(name, verdict));
  sum.total += verdict.total;
  sum.passed += verdict.passed;
  sum.known += verdict.known;
  if (verdict.faults.length > 0) process.exitCode = 1;
}
process.stdout.write(`${sum.passed} of ${sum.total} passed, ${sum.known} known\n`);
