import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { secretsShown } from "./kept-secrets.ts";

const root = join(import.meta.dirname, "../..");

/** What the service is started with. Undefined takes a variable away. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Any free port on both listeners, and no waiting for probes that nobody makes. */
const testEnvironment: Environment = {
  AUTH_GRPC_ADDRESS: "127.0.0.1:0",
  AUTH_HTTP_ADDRESS: "127.0.0.1:0",
  AUTH_DRAIN_DELAY: "0ms",
  AUTH_LOG_FORMAT: "json",
  AUTH_ISSUER: "https://auth.test",
  AUTH_AUDIENCES: "development,orders",
  AUTH_CALLERS: "anyone",
};

/** One for the whole run: services on one database need the same. */
const wrappingKey = randomBytes(32).toString("base64");

/** What a service on a database that is given needs besides. */
function keyFor({ DATABASE_URL, AUTH_WRAPPING_KEY_FILE }: Environment): Environment {
  return DATABASE_URL === undefined || AUTH_WRAPPING_KEY_FILE !== undefined
    ? {}
    : { AUTH_WRAPPING_KEY: wrappingKey };
}

/** The whole environment of a process of ours: the tests' own, with nothing of the machine's that would configure it. */
export function environmentOf(environment: Environment): NodeJS.ProcessEnv {
  const env = {
    ...withoutSettings(process.env),
    ...testEnvironment,
    ...keyFor(environment),
    ...environment,
  };
  return env as NodeJS.ProcessEnv;
}

/** A process that was started as a user would start it, by `node src/main.ts`. */
export class ServiceProcess {
  readonly child: ChildProcess;
  /** Everything it wrote. */
  readonly lines: string[] = [];
  #stderr = "";
  readonly #exited: Promise<unknown>;
  /** AUTH_WRAPPING_KEY that it was given. */
  readonly #keys: readonly string[];

  constructor(environment: Environment, args: readonly string[] = [], cwd = root, checkout = root) {
    const env = environmentOf(environment);
    this.#keys = (env["AUTH_WRAPPING_KEY"] ?? "").split(",").filter((key) => key.length > 20);
    this.child = spawn(process.execPath, [join(checkout, "src/main.ts"), ...args], {
      cwd,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#exited = once(this.child, "close");
    if (this.child.stdout) createInterface(this.child.stdout).on("line", (line) => this.lines.push(line));
    this.child.stderr?.on("data", (data) => {
      this.#stderr += data;
    });
  }

  get stderr(): string {
    return this.#stderr;
  }

  get output(): string {
    return `${this.lines.join("\n")}\n${this.#stderr}`;
  }

  /** The log, line by line. */
  get log(): Record<string, unknown>[] {
    return this.lines.map((line) => JSON.parse(line));
  }

  /** The first line of the log with a message. Fails where the process ends before, or it takes too long. */
  async logged(message: string, timeoutMs = 20_000): Promise<Record<string, unknown>> {
    const endsAt = performance.now() + timeoutMs;
    for (;;) {
      const line = this.lines.find((text) => text.includes(`"msg":"${message}"`));
      if (line !== undefined) return JSON.parse(line);
      if (this.child.exitCode !== null || performance.now() > endsAt) {
        throw new Error(`"${message}" was not logged:\n${this.output}`);
      }
      await sleep(10);
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Waits for the end. Answers the exit code, or the signal that killed it. Fails where it has written a secret, whatever it was started for. */
  async exited(): Promise<number | NodeJS.Signals> {
    await this.#exited;
    const shown = secretsShown(this.output, this.#keys);
    if (shown.length > 0) throw new Error(`the service has written ${shown.join(", ")}`);
    return this.child.exitCode ?? this.child.signalCode ?? -1;
  }
}

/** A service that serves. */
export interface RunningService extends AsyncDisposable {
  readonly process: ServiceProcess;
  /** host:port */
  readonly grpcAddress: string;
  /** http://host:port */
  readonly httpUrl: string;
}

/** Starts the service and waits until it serves. Disposing ends it by SIGTERM, or kills it where that does not. */
export async function startService(environment: Environment): Promise<RunningService> {
  return serving(new ServiceProcess(environment));
}

/** Starts another checkout, in its folder, with nothing that says where its data are. */
export async function startServiceIn(checkout: string): Promise<RunningService> {
  return serving(new ServiceProcess({}, [], checkout, checkout));
}

async function serving(service: ServiceProcess): Promise<RunningService> {
  const line = await service.logged("auth is serving").catch((error: unknown) => {
    service.kill("SIGKILL");
    throw error;
  });
  return {
    process: service,
    grpcAddress: String(line["grpcAddress"]),
    httpUrl: `http${line["tls"] ? "s" : ""}://${line["httpAddress"]}`,
    async [Symbol.asyncDispose]() {
      service.kill("SIGTERM");
      const killer = setTimeout(() => service.kill("SIGKILL"), 15_000);
      await service.exited();
      clearTimeout(killer);
    },
  };
}

/** A folder that is gone afterwards. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "auth-test-"));
  // The user that PostgreSQL runs as has to get through.
  await chmod(path, 0o755);
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/** The tests' own environment must not configure the service. */
function withoutSettings(env: NodeJS.ProcessEnv): Environment {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith("AUTH_") && name !== "DATABASE_URL"),
  );
}
