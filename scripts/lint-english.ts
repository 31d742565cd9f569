/**
 * `npm run lint` reports phrases that a native engineer of this field would not write, in src, proto, the README and docs.
 * The list is a copy of the style guide's patterns, as far as a pattern has few false positives.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findPhrases } from "./english.ts";

const root = join(import.meta.dirname, "..");
const globs = ["src/**/*.ts", "proto/auth/**/*.proto", "*.md", "docs/**/*.md"];

const files = execFileSync("git", ["ls-files", "--", ...globs, ":!src/gen"], { cwd: root, encoding: "utf8" });
const findings = files
  .trim()
  .split("\n")
  .flatMap((file) => findPhrases(file, readFileSync(join(root, file), "utf8")));
for (const { file, line, phrase, instead } of findings) {
  process.stdout.write(`${file}:${line}: "${phrase}"; write ${instead}\n`);
}
process.exitCode = findings.length > 0 ? 1 : 0;
