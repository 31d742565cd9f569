import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import {
  access,
  chmod,
  chown,
  constants,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Client } from "pg";
import { findBinaries } from "../../src/infrastructure/db/embedded-postgres/binaries.ts";
import type { Tool } from "./tools.ts";

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
/** PostgreSQL refuses to run as root. */
const nobody = 65_534;
const identity = isRoot ? { uid: nobody, gid: nobody } : {};

/** A file system of a test's own, in memory. */
export const tmpfs: Tool = {
  name: "tmpfs",
  check: "unshare --mount mount -t tmpfs tmpfs /mnt",
  install: "the tests as root, with the right to mount",
};

export interface OwnPostgresOptions {
  /** MiB of a file system of its own for the data, in memory: see {@link tmpfs}. */
  readonly diskMiB?: number;
  /** Whether the write-ahead log is on that disk too. A server that cannot write it crashes. */
  readonly logsToDisk?: boolean;
}

/**
 * A PostgreSQL of a test's own, without anything of the embedded one: a superuser "postgres", any role without a
 * password, a disk that can be filled, and a standby that can be promoted. It ends with this process.
 */
export class OwnPostgres implements AsyncDisposable {
  readonly #folder: string;
  readonly #bin: string;
  readonly #isMounted: boolean;
  #server: ChildProcess | undefined;

  static async start({ diskMiB, logsToDisk = false }: OwnPostgresOptions = {}): Promise<OwnPostgres> {
    const folder = await mkdtemp(join(tmpdir(), "auth-test-"));
    await chmod(folder, 0o755);
    for (const name of ["disk", "wal", "socket"]) await mkdir(join(folder, name));
    if (diskMiB !== undefined)
      await run("mount", ["-t", "tmpfs", "-o", `size=${diskMiB}m`, "tmpfs", join(folder, "disk")]);
    const postgres = new OwnPostgres(folder, await reachableBinaries(folder), diskMiB !== undefined);
    try {
      await postgres.#initialise(logsToDisk);
      await postgres.startServer();
      await postgres.query("create database auth template template0");
      return postgres;
    } catch (error) {
      await postgres[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(folder: string, bin: string, isMounted: boolean) {
    this.#folder = folder;
    this.#bin = bin;
    this.#isMounted = isMounted;
  }

  /** URI of a database for a role. */
  uri(role = "postgres", database = "auth"): string {
    const parameters = new URLSearchParams({ host: join(this.#folder, "socket"), sslmode: "disable" });
    return `postgresql://${role}@localhost/${database}?${parameters}`;
  }

  /** Runs a statement as the superuser. */
  async query(statement: string, database = "postgres"): Promise<Record<string, unknown>[]> {
    // Whatever the server's default is, so that what is read-only can be undone; a standby takes nothing SERIALIZABLE.
    const options = "-c default_transaction_read_only=off -c default_transaction_isolation=read\\ committed";
    const client = new Client({ connectionString: this.uri("postgres", database), options });
    client.on("error", () => {});
    await client.connect();
    try {
      return (await client.query(statement)).rows;
    } finally {
      await client.end();
    }
  }

  async startServer(): Promise<void> {
    const settings = ["listen_addresses=", "shared_buffers=16MB", "huge_pages=off", "io_method=sync"];
    const args = ["-D", this.#data, "-k", join(this.#folder, "socket")];
    const command = [join(this.#bin, "postgres"), ...args, ...settings.flatMap((each) => ["-c", each])];
    const log = openSync(join(this.#folder, "log"), "a");
    // The shell ends the server when its standard input does: when it is told to, and when this process dies.
    const guard =
      '"$@" </dev/null & server=$!; read -r _; kill -TERM $server; kill -INT $server; wait $server';
    this.#server = spawn("/bin/sh", ["-c", guard, "guard", ...command], {
      ...identity,
      cwd: "/",
      env: { PATH: process.env["PATH"], LC_ALL: "C" },
      stdio: ["pipe", log, log],
    });
    closeSync(log);
    await this.#untilItAnswers();
  }

  async stopServer(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const exited = once(server, "exit");
    server.stdin?.end();
    await exited;
  }

  /** Makes a standby of it, without a primary: it can be read until it is promoted. */
  async demote(): Promise<void> {
    await this.stopServer();
    const signal = join(this.#data, "standby.signal");
    await writeFile(signal, "");
    if (isRoot) await chown(signal, nobody, nobody);
    await this.startServer();
  }

  async promote(): Promise<void> {
    await this.query("select pg_promote()");
  }

  /** Makes the role "service", which may read and write all tables of the database and create none. */
  async createServiceRole(): Promise<void> {
    await this.query("create role service login");
    await this.grant("usage on schema public");
    await this.query("revoke all on schema public from public", "auth");
    await this.grant("select, insert, update, delete on all tables in schema public");
  }

  /** Gives rights in the database to the role "service". */
  async grant(rights: string): Promise<void> {
    await this.query(`grant ${rights} to service`, "auth");
  }

  async revoke(rights: string): Promise<void> {
    await this.query(`revoke ${rights} from service`, "auth");
  }

  async setReadOnly(readOnly: boolean): Promise<void> {
    await this.query(`alter system set default_transaction_read_only = ${readOnly ? "on" : "off"}`);
    await this.query("select pg_reload_conf()");
  }

  /** Fills its disk to the last byte. */
  async fillDisk(): Promise<void> {
    const file = join(this.#folder, "disk/ballast");
    await run("sh", ["-c", `cat /dev/zero > "$0" || true`, file]);
  }

  /** Makes the next write need a new segment of the write-ahead log. */
  async endLogSegment(): Promise<void> {
    await this.query("select pg_switch_wal()");
  }

  async freeDisk(): Promise<void> {
    await rm(join(this.#folder, "disk/ballast"), { force: true });
  }

  async log(): Promise<string> {
    return readFile(join(this.#folder, "log"), "utf8").catch(() => "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopServer();
    if (this.#isMounted) await run("umount", [join(this.#folder, "disk")]);
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.#folder, "disk/data");
  }

  async #initialise(logsToDisk: boolean): Promise<void> {
    const folders = ["disk", "wal", "socket"].map((name) => join(this.#folder, name));
    if (isRoot) await Promise.all(folders.map((folder) => chown(folder, nobody, nobody)));
    const log = logsToDisk ? [] : ["-X", join(this.#folder, "wal/log")];
    const options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N", ...log];
    await run(join(this.#bin, "initdb"), ["-D", this.#data, ...options], { ...identity, cwd: "/" });
  }

  async #untilItAnswers(): Promise<void> {
    const endsAt = performance.now() + 20_000;
    for (;;) {
      try {
        await this.query("select 1");
        return;
      } catch (error) {
        if (performance.now() > endsAt) throw new Error(await this.log(), { cause: error });
        await sleep(20);
      }
    }
  }
}

/** The folder of the programs; a copy of it where the server's user cannot get to them. */
async function reachableBinaries(folder: string): Promise<string> {
  const { postgres } = await findBinaries();
  const canRun = await run("test", ["-x", postgres], { ...identity, cwd: "/" }).then(
    () => access(postgres, constants.X_OK).then(() => true),
    () => false,
  );
  const bin = dirname(postgres);
  if (canRun) return bin;
  await cp(dirname(bin), join(folder, "native"), { recursive: true, verbatimSymlinks: true });
  return join(folder, "native/bin");
}
