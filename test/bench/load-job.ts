import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";

/** Calls to make: closed loop by `inFlight`, or open loop by `perSecond`. */
export interface LoadJob {
  /** host:port */
  readonly address: string;
  readonly path: string;
  /** Encoded requests in hex, of any lengths. Calls send them in turn. */
  readonly messages: readonly string[];
  /** `authorization`, if the server asks who calls. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly seconds: number;
  /** Calls that begin so soon after the first are made but not measured, nor counted as answered: the load's own code is not compiled yet. */
  readonly warmUpSeconds?: number;
  readonly connections?: number;
  readonly inFlight?: number;
  readonly perSecond?: number;
}

export interface LoadResult {
  /** Calls that were answered with a message. */
  readonly answered: number;
  /** Calls that were not. */
  readonly failures: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const program = join(import.meta.dirname, "load.ts");

/** Runs a job in a process of its own, on these cores where they are named. */
export async function runLoad(job: LoadJob, cores?: string): Promise<LoadResult> {
  const [file, args] = onCores(cores, [process.execPath, program]);
  const running = promisify(execFile)(file, args, { maxBuffer: 1 << 20 });
  // Longer than an argument may be.
  running.child.stdin?.end(JSON.stringify(job));
  return JSON.parse((await running).stdout);
}

/** A command that runs on these cores only. */
export function onCores(cores: string | undefined, command: readonly string[]): [string, string[]] {
  const [file = "", ...args] = cores === undefined ? command : ["taskset", "-c", cores, ...command];
  return [file, args];
}

export function encoded<Desc extends DescMessage>(schema: Desc, message: MessageInitShape<Desc>): string {
  return Buffer.from(toBinary(schema, create(schema, message))).toString("hex");
}
