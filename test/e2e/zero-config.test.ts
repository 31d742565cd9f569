import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { grpcClients } from "../support/clients.ts";
import { type RunningService, ServiceProcess, startService, temporaryFolder } from "../support/service.ts";

/** What `npm start` does on a machine where nothing is configured: the embedded PostgreSQL, in a folder of the test's. */
describe("started without a configuration", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let dataDir: string;

  beforeEach(async () => {
    folder = await temporaryFolder();
    dataDir = join(folder.path, "data");
  });
  afterEach(() => folder[Symbol.asyncDispose]());

  const start = () => startService({ AUTH_DATA_DIR: dataDir });
  const create = async (service: RunningService, requestId = randomUUID()) => {
    const username = `u-${requestId}`;
    const { user } = await grpcClients(service).users.createUser({ user: { username }, requestId });
    return user?.id ?? "";
  };

  test("says where it is, where the data lives and what to try, and keeps what it was told", async () => {
    let id: string;
    {
      await using service = await start();
      expect(service.process.stderr).toContain(service.grpcAddress);
      expect(service.process.stderr).toContain(service.httpUrl);
      expect(service.process.stderr).toContain(dataDir);
      expect(service.process.stderr).toMatch(/^ {2}curl .*\n.*CreateUser$/m);
      expect(service.process.stderr).toMatch(/^ {2}grpcurl .* list$/m);
      id = await create(service);
    }
    await using again = await start();
    expect((await grpcClients(again).users.getUser({ id })).user?.id).toBe(id);
  });

  test("listens on loopback only, and its database on no port at all", async () => {
    await using service = await start();
    const pid = service.process.child.pid ?? 0;
    const listening = listeningSockets([pid, ...descendants(pid)]);
    expect(listening.map(({ address }) => address)).toEqual(["127.0.0.1", "127.0.0.1"]);
  });

  test("Ctrl-C stops the database too, and leaves nothing behind", async () => {
    const service = await start();
    const { child } = service.process;
    const family = descendants(child.pid ?? 0);
    expect(family.length).toBeGreaterThan(0);
    service.process.kill("SIGINT");
    expect(await service.process.exited()).toBe(0);
    expect(family.filter(isAlive)).toEqual([]);
    expect(readdirSync(dataDir).sort()).toEqual([
      "database-password",
      "lock",
      "pg_hba.conf",
      "postgres",
      "postgres.log",
      "wrapping-key",
    ]);
  });

  test("after kill -9 the next start has every acknowledged write", async () => {
    const acknowledged: string[] = [];
    for (let round = 0; round < 3; round++) {
      const service = await start();
      const writers = Array.from({ length: 8 }, async () => {
        for (;;) acknowledged.push(await create(service));
      });
      const ended = Promise.allSettled(writers);
      while (acknowledged.length < 40 * (round + 1)) await new Promise(setImmediate);
      service.process.kill("SIGKILL");
      await ended;
    }
    await using service = await start();
    const { results } = await grpcClients(service).users.batchGetUsers({
      keys: acknowledged.slice(-1_000).map((id) => ({ key: { case: "id", value: id } })),
    });
    expect(results.filter(({ result }) => result.case !== "user")).toEqual([]);
  });

  test("a second start on the same folder refuses, and the first goes on", async () => {
    await using first = await start();
    const second = new ServiceProcess({ AUTH_DATA_DIR: dataDir });
    expect(await second.exited()).toBe(1);
    expect(second.stderr).toContain(`in use by another auth (process ${first.process.child.pid})`);
    expect(second.stderr.trim().split("\n")).toHaveLength(1);
    await create(first);
  });
});

interface ListeningSocket {
  readonly address: string;
  readonly port: number;
}

/** The TCP sockets that processes listen on, from /proc. */
function listeningSockets(pids: readonly number[]): ListeningSocket[] {
  const inodes = new Set(pids.flatMap(socketInodes));
  return ["/proc/net/tcp", "/proc/net/tcp6"]
    .filter(existsSync)
    .flatMap((file) => readFileSync(file, "utf8").trim().split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === "0A" && inodes.has(columns[9] ?? ""))
    .map((columns) => {
      const [address = "", port = ""] = (columns[1] ?? "").split(":");
      const bytes = address.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? [];
      return { address: bytes.reverse().join("."), port: Number.parseInt(port, 16) };
    });
}

function socketInodes(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${fd}`))?.[1] ?? [];
    } catch {
      return [];
    }
  });
}

function descendants(pid: number): number[] {
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => parentOf(candidate) === pid);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
