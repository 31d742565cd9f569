import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { type Environment, ServiceProcess, temporaryFolder } from "../support/service.ts";

const root = join(import.meta.dirname, "../..");

/** What any process with the same uid can read of another one, and `ps` shows to all. */
interface Seen {
  readonly name: string;
  readonly commandLine: string;
  readonly environment: string;
}

/** Watches a process and all its descendants, from its start on. */
class ProcessWatch implements AsyncDisposable {
  /** By process number and name: a process that becomes another program is seen as both. */
  readonly seen = new Map<string, Seen>();
  readonly #root: number;
  #stopped = false;
  readonly #watching: Promise<void>;

  constructor(root: number) {
    this.#root = root;
    this.#watching = this.#watch();
  }

  get own(): Seen[] {
    return [...this.seen].filter(([key]) => key.startsWith(`${this.#root} `)).map(([, each]) => each);
  }

  get others(): Seen[] {
    return [...this.seen].filter(([key]) => !key.startsWith(`${this.#root} `)).map(([, each]) => each);
  }

  async look(): Promise<void> {
    for (const pid of await this.#family()) {
      const read = (file: string) => readFile(`/proc/${pid}/${file}`, "latin1").catch(() => "");
      const [name, commandLine, environment] = await Promise.all(["comm", "cmdline", "environ"].map(read));
      const key = `${pid} ${name}`;
      const before = this.seen.get(key);
      this.seen.set(key, {
        name: String(name).trim(),
        commandLine: `${before?.commandLine ?? ""}${commandLine}`,
        environment: `${before?.environment ?? ""}${environment}`,
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      await this.look();
      await sleep(5);
    }
  }

  /** The process and its descendants. */
  async #family(): Promise<number[]> {
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
    const parents = new Map<number, number>();
    for (const pid of pids) {
      const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
      parents.set(pid, Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]));
    }
    const isInFamily = (pid: number | undefined): boolean =>
      pid === this.#root || (pid !== undefined && pid > 1 && isInFamily(parents.get(pid)));
    return pids.filter((pid) => isInFamily(pid));
  }
}

/** What is watched of a service on its embedded database, from nothing until it serves. */
async function watched(given: Environment) {
  await using folder = await temporaryFolder();
  await chmod(folder.path, 0o755);
  const service = new ServiceProcess({ AUTH_DATA_DIR: join(folder.path, "data"), ...given });
  await using watch = new ProcessWatch(service.child.pid ?? 0);
  try {
    await service.logged("auth is serving");
    await watch.look();
    return { own: watch.own, others: watch.others };
  } finally {
    service.kill("SIGTERM");
    await service.exited();
  }
}

const newKey = () => randomBytes(32).toString("base64");

test("no child process is given a secret, in its environment or on its command line, and none is on our own", async () => {
  const secrets = { AUTH_WRAPPING_KEY: newKey(), SOMEBODY_ELSES_TOKEN: newKey() };
  const { own, others } = await watched(secrets);
  const names = new Set(others.map(({ name }) => name));
  expect([...names]).toEqual(expect.arrayContaining(["sh", "initdb", "postgres"]));
  for (const secret of Object.values(secrets)) {
    expect(others.filter(({ environment }) => environment.includes(secret))).toEqual([]);
    expect([...own, ...others].filter(({ commandLine }) => commandLine.includes(secret))).toEqual([]);
    // The kernel shows what a process was started with to those of its uid, for as long as it runs.
    expect(own.some(({ environment }) => environment.includes(secret))).toBe(true);
  }
});

test("a wrapping key from a file is in no environment and on no command line", async () => {
  await using folder = await temporaryFolder();
  const secret = newKey();
  const AUTH_WRAPPING_KEY_FILE = join(folder.path, "key");
  await writeFile(AUTH_WRAPPING_KEY_FILE, secret, { mode: 0o600 });
  const { own, others } = await watched({ AUTH_WRAPPING_KEY_FILE });
  expect(others.length).toBeGreaterThan(3);
  const all = [...own, ...others];
  expect(
    all.filter(({ environment, commandLine }) => `${environment}${commandLine}`.includes(secret)),
  ).toEqual([]);
});

test("what `npm start` and `auth` run by leaves no core dump, whatever the shell before it allows", async () => {
  const script = 'ulimit -c unlimited 2>/dev/null; exec scripts/node -p "$1"';
  const limits = 'require("node:fs").readFileSync("/proc/self/limits", "utf8")';
  const { stdout } = await promisify(execFile)("sh", ["-c", script, "sh", limits], { cwd: root });
  expect(stdout).toMatch(/^Max core file size +0 +0 /m);
});
