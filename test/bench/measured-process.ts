import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { onCores } from "./load-job.ts";

/** A Node process that is measured from outside. What it prints to standard output is thrown away. */
export class MeasuredProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** The first line that it says on standard error. */
  readonly firstLine: Promise<string>;

  constructor(args: readonly string[], { cores, env }: { cores?: string; env?: NodeJS.ProcessEnv } = {}) {
    const [file, rest] = onCores(cores, [process.execPath, ...args]);
    this.#child = spawn(file, rest, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, ...env },
    });
    const { stderr } = this.#child;
    if (stderr === null) throw new Error("it has no standard error");
    this.firstLine = once(createInterface(stderr), "line").then(([line]) => String(line));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  cpuSeconds(): number {
    return cpuSecondsOf(this.pid);
  }

  residentMiB(): number {
    return residentMiBOf(this.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#child, "close");
    this.#child.kill("SIGKILL");
    await closed;
  }
}

const ticksPerSecond = 100;

/** User and system time of a process with all its threads, from /proc. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

export function residentMiBOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}
