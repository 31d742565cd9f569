import { type ChildProcess, execFile, spawn } from "node:child_process";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { test as base } from "vitest";
import {
  clusterName,
  processesOf,
  recordedProcess,
} from "../../src/infrastructure/db/embedded-postgres/server-processes.ts";
import { startEmbeddedPostgres } from "../../src/infrastructure/db/embedded-postgres.ts";

export const run = promisify(execFile);

const module = new URL("../../src/infrastructure/db/embedded-postgres.ts", import.meta.url).href;

/** Starts the database and tells of it in one line; stops it when standard input ends. Ctrl-C does nothing to it. */
const program = `
process.on("SIGINT", () => {});
const [module, dataDir] = process.argv.slice(1);
const { startEmbeddedPostgres } = await import(module);
try {
  const postgres = await startEmbeddedPostgres({ dataDir, logger: (line) => console.error(line) });
  console.log(JSON.stringify({ uri: postgres.uri }));
  process.stdin.resume().on("end", () => void postgres.stop());
} catch (error) {
  console.log(JSON.stringify({ name: error.name, message: error.message }));
}
`;

export interface OwnerOptions {
  /** The module to import in place of the one in this tree. */
  readonly module?: string;
  /** What goes before "node": setpriv and its arguments. */
  readonly prefix?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface Said {
  readonly uri?: string;
  readonly name?: string;
  readonly message?: string;
}

/** A process of its own that runs the embedded PostgreSQL, to be killed. */
export interface Owner {
  readonly process: ChildProcess;
  /** What it said when it had started, or had failed to. */
  readonly said: Promise<Said>;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

function spawnOwner(dataDir: string, options: OwnerOptions = {}): Owner {
  const node = [process.execPath, "--input-type=module", "--eval", program];
  const [file, ...args] = [...(options.prefix ?? []), ...node, options.module ?? module, dataDir];
  const child = spawn(file!, args, {
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
    stdio: ["pipe", "pipe", "inherit"],
    // A process group of its own, as a shell gives to what a terminal runs.
    detached: true,
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const said = new Promise<Said>((resolve, reject) => {
    child.stdout.once("data", (data) => resolve(JSON.parse(String(data))));
    child.once("exit", () => reject(new Error("the process ended without a word")));
  });
  said.catch(() => {});
  return {
    process: child,
    said,
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "auth-test-"));
  // Whoever PostgreSQL runs as has to get through.
  await chmod(folder, 0o755);
  return folder;
}

const forceful = { recursive: true, maxRetries: 10 } as const;

/** Vitest's test with data folders, and processes to own them, that are gone afterwards. */
export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest wants a pattern here
  .extend("template", { scope: "file" }, async ({}, { onCleanup }) => {
    const parent = await temporaryFolder();
    onCleanup(() => rm(parent, forceful));
    const dataDir = join(parent, "data");
    const postgres = await startEmbeddedPostgres({ dataDir });
    await query(postgres.uri, "create table kept (row int primary key)");
    await postgres.stop();
    return dataDir;
  })
  /** Path for a data folder, with nothing there yet. */
  // biome-ignore lint/correctness/noEmptyPattern: vitest wants a pattern here
  .extend("newFolder", async ({}, { onCleanup }) => {
    const parent = await temporaryFolder();
    onCleanup(() => rm(parent, forceful));
    return join(parent, "data");
  })
  /** A data folder in which a database was created and stopped; it has the table "kept (row int)". */
  .extend("usedFolder", async ({ template, newFolder }) => {
    await run("cp", ["-a", template, newFolder]);
    return newFolder;
  })
  /** Starts a process that owns a data folder. */
  .extend("startOwner", async ({ newFolder }, { onCleanup }) => {
    const owners: Owner[] = [];
    onCleanup(async () => {
      await Promise.all(owners.map((owner) => owner.stop()));
    });
    return (dataDir = newFolder, options: OwnerOptions = {}) => {
      const owner = spawnOwner(dataDir, options);
      owners.push(owner);
      return owner;
    };
  });

export async function query(uri: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: uri });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

/** The server's own process. */
export async function serverProcess(dataDir: string): Promise<number> {
  const pid = await recordedProcess(join(dataDir, "postgres"));
  if (pid === undefined) throw new Error(`no server runs on ${dataDir}`);
  return pid;
}

/** All processes of the server that runs on a data folder. */
export async function serverProcesses(dataDir: string): Promise<number[]> {
  return processesOf(await clusterName(join(dataDir, "postgres")));
}

/** The shell that guards a process, and the one of its children that waits for our end. */
export async function guardsOf(pid: number): Promise<number[]> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const guard = Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]);
  const children = await readFile(`/proc/${guard}/task/${guard}/children`, "utf8");
  return [guard, ...children.trim().split(" ").map(Number)].filter((each) => each !== pid);
}
