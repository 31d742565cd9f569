import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onCores } from "./load-job.ts";

/** The whole service as a user starts it, on a database that is there, with its log in a file. */
export interface BenchService extends AsyncDisposable {
  readonly address: string;
  /** Milliseconds from the start of the process until it said that it serves. */
  readonly startedAfterMs: number;
  readonly child: ChildProcess;
}

const wrappingKey = randomBytes(32).toString("base64");
const root = join(import.meta.dirname, "../..");
/** The program and its flags, as `npm start` has them. */
const [, ...command] = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts.start.split(" ");

export async function startBenchService(
  uri: string,
  { cores, env = {} }: { cores?: string; env?: Record<string, string | undefined> } = {},
): Promise<BenchService> {
  const folder = mkdtempSync(join(tmpdir(), "auth-bench-"));
  const log = join(folder, "log");
  const [file, args] = onCores(cores, [process.execPath, ...command]);
  const startedAt = performance.now();
  const output = openSync(log, "w");
  const child = spawn(file, args, {
    cwd: root,
    stdio: ["ignore", output, output],
    env: {
      ...process.env,
      DATABASE_URL: uri,
      AUTH_GRPC_ADDRESS: "127.0.0.1:0",
      AUTH_HTTP_ADDRESS: "127.0.0.1:0",
      AUTH_LOG_FORMAT: "json",
      AUTH_ISSUER: "https://auth.test",
      AUTH_AUDIENCES: "development",
      AUTH_CALLERS: "anyone",
      AUTH_WRAPPING_KEY: wrappingKey,
      ...env,
    },
  });
  let line: string | undefined;
  while (line === undefined) {
    if (child.exitCode !== null) throw new Error(readFileSync(log, "utf8"));
    await sleep(2);
    line = readFileSync(log, "utf8")
      .split("\n")
      .find((text) => text.endsWith('"msg":"auth is serving"}'));
  }
  const startedAfterMs = performance.now() - startedAt;
  return {
    address: JSON.parse(line).grpcAddress,
    startedAfterMs,
    child,
    async [Symbol.asyncDispose]() {
      const closed = once(child, "close");
      child.kill("SIGKILL");
      await closed;
      rmSync(folder, { recursive: true });
    },
  };
}
