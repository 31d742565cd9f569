/**
 * `npm run test:teeth`: puts each defect of defects.ts into a copy of the tree and runs the test that must turn red. First
 * the tests are run without a defect: one that is red anyway proves nothing. Ends with an error where a defect survives.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Defect, defects } from "./defects.ts";

const root = join(import.meta.dirname, "../..");

/** How many tests of a file were run in a copy, and how many were red. */
interface Outcome {
  readonly ran: number;
  readonly red: number;
}

function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), "auth-teeth-"));
  // Some tests run the service as another user.
  chmodSync(copy, 0o755);
  const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  for (const file of files
    .trim()
    .split("\n")
    .filter((name) => existsSync(join(root, name)))) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}

function run(copy: string, { test, named }: Defect): Outcome {
  const report = join(copy, "teeth.json");
  rmSync(report, { force: true });
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const only = named === "" ? [] : ["-t", named];
  const args = [vitest, "run", test, ...only, "--reporter=json", `--outputFile=${report}`];
  spawnSync(process.execPath, args, { cwd: copy, timeout: 180_000, killSignal: "SIGKILL" });
  // No report: it hung, and whoever waits for it sees that.
  if (!existsSync(report)) return { ran: 1, red: 1 };
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, "utf8"));
  return { ran: numPassedTests + numFailedTests, red: numFailedTests };
}

/** The copy's file with the defect in it. Answers how to take it out again. */
function apply(copy: string, { name, file, find, replace }: Defect): () => void {
  const path = join(copy, file);
  const good = readFileSync(path, "utf8");
  if (good.split(find).length !== 2) throw new Error(`${name}: its text does not occur once in ${file}`);
  writeFileSync(
    path,
    good.replace(find, () => replace),
  );
  return () => writeFileSync(path, good);
}

const asked = process.argv.slice(2);
const chosen = defects.filter(({ name }) => asked.length === 0 || asked.some((part) => name.includes(part)));
const copy = copyTree();
let survivors = 0;
try {
  for (const defect of chosen) {
    const healthy = run(copy, defect);
    const takeOut = apply(copy, defect);
    const sick = run(copy, defect);
    takeOut();
    const killed = healthy.ran > 0 && healthy.red === 0 && sick.red > 0;
    if (!killed) survivors += 1;
    const verdict = killed ? "killed  " : healthy.red > 0 || healthy.ran === 0 ? "NO PROOF" : "SURVIVED";
    process.stdout.write(`${verdict}  ${defect.name}  (${defect.test}: ${sick.red} of ${sick.ran} red)\n`);
  }
} finally {
  rmSync(copy, { recursive: true });
}
process.stdout.write(`${chosen.length - survivors} of ${chosen.length} defects killed\n`);
process.exitCode = survivors === 0 ? 0 : 1;
