import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** What is wrong with a test that is named somewhere: undefined where it is there. */
export function faultOf(file: string, name: string | undefined): string | undefined {
  const path = join(root, file);
  if (!existsSync(path)) return `${file} is not there`;
  if (name === undefined) return undefined;
  const source = readFileSync(path, "utf8");
  // As a test's own name, or as the first thing that a row of a table says.
  const quoted = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const isNamed = new RegExp(
    `(?:(?:test|it|describe)(?:\\.\\w+)*\\(|[\\])]\\)?\\(|^\\s*\\[?)\\s*["\`]${quoted}["\`]`,
    "m",
  );
  return isNamed.test(source) ? undefined : `${file} has no test "${name}"`;
}
