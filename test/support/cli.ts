import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type Environment, environmentOf } from "./service.ts";

const root = join(import.meta.dirname, "../..");

export interface CommandResult {
  /** The exit code, or the signal that has killed it. */
  readonly code: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs, as a user would run it, by `node src/cli.ts`. */
export class RunningCommand {
  readonly child: ChildProcess;
  readonly done: Promise<CommandResult>;

  constructor(args: readonly string[], environment: Environment = {}) {
    this.child = spawn(process.execPath, [join(root, "src/cli.ts"), ...args], {
      cwd: root,
      // As scripts/node does.
      env: { NODE_COMPILE_CACHE: join(root, "node_modules/.cache/node"), ...environmentOf(environment) },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.done = this.#collect();
  }

  async #collect(): Promise<CommandResult> {
    let [stdout, stderr] = ["", ""];
    this.child.stdout?.on("data", (data) => {
      stdout += data;
    });
    this.child.stderr?.on("data", (data) => {
      stderr += data;
    });
    const [code, signal] = await once(this.child, "close");
    return { code: code ?? signal, stdout, stderr };
  }
}

/** Runs a command to its end. Standard input is `stdin`, and nothing where that is not given. */
export function auth(
  args: readonly string[],
  environment: Environment = {},
  stdin: string | Uint8Array = "",
): Promise<CommandResult> {
  const command = new RunningCommand(args, environment);
  // A command that reads nothing may have gone before this is written.
  command.child.stdin?.on("error", () => {});
  command.child.stdin?.end(stdin);
  return command.done;
}

/** Runs a command that must be good, with --json, and answers what it says. */
export async function authJson<Said = Record<string, unknown>>(
  args: readonly string[],
  environment: Environment = {},
  stdin = "",
): Promise<Said> {
  const { code, stdout, stderr } = await auth([...args, "--json"], environment, stdin);
  if (code !== 0) throw new Error(`auth ${args.join(" ")}: ${code}\n${stderr}`);
  if (!/^[^\n]+\n$/.test(stdout)) throw new Error(`not one line: ${stdout}`);
  return JSON.parse(stdout);
}

/** Does the same with each, a few at a time: a process takes half a second to start, most of it alone. */
export async function inTurns<Each>(
  all: readonly Each[],
  work: (each: Each) => Promise<void>,
): Promise<void> {
  const left = [...all];
  const worker = async () => {
    for (let each = left.shift(); each !== undefined; each = left.shift()) await work(each);
  };
  await Promise.all([worker(), worker(), worker()]);
}
