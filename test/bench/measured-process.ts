import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { onCores } from "./load-job.ts";

/** A Node process that is measured from outside. What it prints to standard output is thrown away. */
export class MeasuredProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  /** The first line that it says on standard error. */
  readonly firstLine: Promise<string>;

  constructor(args: readonly string[], { cores, env }: { cores?: string; env?: NodeJS.ProcessEnv } = {}) {
    const [file, rest] = onCores(cores, [process.execPath, ...args]);
    this.child = spawn(file, rest, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, ...env },
    });
    const { stderr } = this.child;
    if (stderr === null) throw new Error("it has no standard error");
    this.firstLine = once(createInterface(stderr), "line").then(([line]) => String(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.child, "close");
    this.child.kill("SIGKILL");
    await closed;
  }
}
