import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { shell } from "../../support/shell.ts";
import type { Tool } from "../../support/tools.ts";

/** C2SP's vectors, Apache-2.0: no npm package has them, but Go's proxy has their repository as a module. */
const wycheproofModule = "github.com/C2SP/wycheproof@v0.0.0-20250901140545-b51abcfb8daf";

/** Of what this machine has: a run of the tests loads nothing. */
const download = "GOPROXY=off go mod download";

/** There once `go mod download` has loaded the module, as CI does. */
export const wycheproof: Tool = { name: "wycheproof", check: `${download} ${wycheproofModule}` };

/** A file of vectors, if it is the one with this SHA-256. */
export async function wycheproofVectors<T>(name: string, sha256: string): Promise<T> {
  const { stdout } = await shell(`${download} -json ${wycheproofModule}`);
  const bytes = await readFile(join(JSON.parse(stdout).Dir, "testvectors_v1", name));
  const actual = createHash("sha256").update(bytes).digest("hex");
  if (actual !== sha256) throw new Error(`${name} has SHA-256 ${actual}.`);
  return JSON.parse(bytes.toString());
}
