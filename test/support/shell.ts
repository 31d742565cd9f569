import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** The environment with the project's own programs on the path. */
export const toolEnvironment = {
  ...process.env,
  PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"]}`,
};

export interface ShellResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script by sh, in the project's root. */
export async function shell(script: string, environment: NodeJS.ProcessEnv = {}): Promise<ShellResult> {
  const env = { ...environment, ...toolEnvironment };
  const child = spawn("sh", ["-eu", "-c", script], { cwd: root, env });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data) => {
    stdout += data;
  });
  child.stderr.on("data", (data) => {
    stderr += data;
  });
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}
