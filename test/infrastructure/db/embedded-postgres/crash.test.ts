import { spawn } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { expect, onTestFinished, vi } from "vitest";
import { findBinaries } from "../../../../src/infrastructure/db/embedded-postgres/binaries.ts";
import { send } from "../../../../src/infrastructure/db/embedded-postgres/server-processes.ts";
import { startEmbeddedPostgres } from "../../../../src/infrastructure/db/embedded-postgres.ts";
import {
  guardsOf,
  type Owner,
  query,
  serverProcess,
  serverProcesses,
  test,
} from "../../../support/embedded-postgres.ts";

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Whether a process does anything; one that has ended and whose parent has not looked yet does not. */
async function runs(pid: number): Promise<boolean> {
  return (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")) !== "";
}

/** The temporary folders that a data folder's owner has written down. */
async function temporaryFolders(dataDir: string): Promise<string[]> {
  const list = await readFile(join(dataDir, "temporary-folders"), "utf8").catch(() => "");
  return list.split("\n").filter((path) => path !== "");
}

/** Inserts rows one after the other until the server is gone; answers those that it said were committed. */
async function insertUntilItEnds(uri: string): Promise<number[]> {
  const client = new Client({ connectionString: uri });
  client.on("error", () => {});
  await client.connect();
  const committed: number[] = [];
  try {
    for (let row = 0; ; row++) {
      await client.query("insert into kept values ($1)", [row]);
      committed.push(row);
    }
  } catch {
    return committed;
  }
}

const deaths: Record<string, (owner: Owner, dataDir: string) => Promise<void>> = {
  "its owner": (owner) => owner.kill(),
  "its owner and PostgreSQL's first process": async (owner, dataDir) => {
    const server = await serverProcess(dataDir);
    const dead = owner.kill();
    process.kill(server, "SIGKILL");
    await dead;
  },
  "PostgreSQL's first process, and then its owner": async (owner, dataDir) => {
    process.kill(await serverProcess(dataDir), "SIGKILL");
    await owner.kill();
  },
  "everything at once": async (owner, dataDir) => {
    const all = [...(await guardsOf(await serverProcess(dataDir))), ...(await serverProcesses(dataDir))];
    const dead = owner.kill();
    for (const pid of all) send("SIGKILL", pid);
    await dead;
  },
  "its owner and the guards, so that PostgreSQL is left behind": async (owner, dataDir) => {
    for (const guard of await guardsOf(await serverProcess(dataDir))) process.kill(guard, "SIGSTOP");
    await owner.kill();
    for (const guard of await guardsOf(await serverProcess(dataDir))) process.kill(guard, "SIGKILL");
    expect(await serverProcesses(dataDir)).not.toEqual([]);
  },
};

test.for(Object.keys(deaths))(
  "has every committed row after kill -9 of %s",
  async (death, { usedFolder: dataDir, startOwner }) => {
    const owner = startOwner(dataDir);
    const { uri } = await owner.said;
    const writing = insertUntilItEnds(uri!);
    await sleep(200);
    await deaths[death]!(owner, dataDir);

    const postgres = await startEmbeddedPostgres({ dataDir });
    const committed = await writing;
    const found = (await query(postgres.uri, "select row from kept order by row")).map(({ row }) => row);
    await postgres.stop();

    expect(committed.length).toBeGreaterThan(0);
    // The last one may have been committed without word of it having reached us.
    expect(found.slice(0, committed.length)).toEqual(committed);
    expect(found.length - committed.length).toBeLessThanOrEqual(1);
    expect(await temporaryFolders(dataDir)).toEqual([]);
  },
);

test("PostgreSQL and its socket's folder go when their owner was killed", async ({
  usedFolder: dataDir,
  startOwner,
}) => {
  const owner = startOwner(dataDir);
  await owner.said;
  const guards = await guardsOf(await serverProcess(dataDir));
  const [socketFolder] = await temporaryFolders(dataDir);
  expect(guards).toHaveLength(2);
  expect(await exists(socketFolder!)).toBe(true);

  await owner.kill();

  await expect.poll(() => serverProcesses(dataDir), { timeout: 5_000 }).toEqual([]);
  await expect.poll(() => exists(socketFolder!)).toBe(false);
  for (const guard of guards) await expect.poll(() => runs(guard)).toBe(false);
});

test.for([0, 100, 300, 700])(
  "kill -9 after %i ms of creating the data does no harm",
  async (delay, { newFolder: dataDir, startOwner }) => {
    const owner = startOwner(dataDir);
    await vi.waitUntil(() => exists(join(dataDir, "temporary-folders")), { timeout: 10_000, interval: 5 });
    await sleep(delay);
    await owner.kill();
    const left = await temporaryFolders(dataDir);
    const inMemory = left.filter((path) => path.startsWith("/dev/shm"));
    for (const path of inMemory) await expect.poll(() => exists(path), { timeout: 5_000 }).toBe(false);

    const postgres = await startEmbeddedPostgres({ dataDir });
    expect(await query(postgres.uri, "select 1 as one")).toEqual([{ one: 1 }]);
    await postgres.stop();
    for (const path of left) expect(await exists(path)).toBe(false);
  },
);

test("Ctrl-C goes to the whole process group and not to PostgreSQL", async ({ usedFolder, startOwner }) => {
  const owner = startOwner(usedFolder);
  const { uri } = await owner.said;
  const client = new Client({ connectionString: uri });
  await client.connect();

  process.kill(-owner.process.pid!, "SIGINT");
  process.kill(-owner.process.pid!, "SIGINT");
  await sleep(200);

  expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  await client.end();
});

test.for(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "the guards take no notice of %s",
  async (signal, { usedFolder: dataDir }) => {
    const postgres = await startEmbeddedPostgres({ dataDir });
    const guards = await guardsOf(await serverProcess(dataDir));
    for (const guard of guards) process.kill(guard, signal);
    await sleep(100);

    expect(await guardsOf(await serverProcess(dataDir))).toEqual(guards);
    expect(await query(postgres.uri, "select 1 as one")).toEqual([{ one: 1 }]);
    await postgres.stop();
    for (const guard of guards) expect(await runs(guard)).toBe(false);
  },
);

test("stops PostgreSQL although its guards were killed", async ({ usedFolder: dataDir }) => {
  const postgres = await startEmbeddedPostgres({ dataDir });
  for (const guard of await guardsOf(await serverProcess(dataDir))) process.kill(guard, "SIGKILL");
  await postgres.stop();

  expect(await serverProcesses(dataDir)).toEqual([]);
  expect(await temporaryFolders(dataDir)).toEqual([]);
});

test("a process number from before the crash that is now somebody else's does not keep PostgreSQL from starting", async ({
  usedFolder: dataDir,
  startOwner,
}) => {
  const owner = startOwner(dataDir);
  await owner.said;
  const pidFile = join(dataDir, "postgres", "postmaster.pid");
  const { uid, gid } = await stat(pidFile);
  await deaths["everything at once"]!(owner, dataDir);
  // PostgreSQL by itself would take any process of its own user for a server on this folder.
  const stranger = spawn("sleep", ["60"], process.geteuid?.() === 0 ? { uid, gid } : {});
  onTestFinished(() => void stranger.kill());
  await writeFile(pidFile, (await readFile(pidFile, "utf8")).replace(/^\d+/, String(stranger.pid)));

  const postgres = await startEmbeddedPostgres({ dataDir });
  await postgres.stop();
  expect(stranger.exitCode).toBeNull();
  expect(stranger.signalCode).toBeNull();
});

test("does not start beside a PostgreSQL that somebody else started on the folder", async ({
  usedFolder: dataDir,
}) => {
  const pgdata = join(dataDir, "postgres");
  const { uid, gid } = await stat(pgdata);
  const { postgres } = await findBinaries();
  const options = ["-D", pgdata, "-c", "listen_addresses=", "-c", `unix_socket_directories=${pgdata}`];
  const identity = process.geteuid?.() === 0 ? { uid, gid } : {};
  const stranger = spawn(postgres, options, { ...identity, stdio: "ignore" });
  const ended = new Promise((resolve) => stranger.once("exit", resolve));
  await vi.waitUntil(() => exists(join(pgdata, ".s.PGSQL.5432")), { timeout: 10_000 });

  await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(
    /did not start .*shared memory block .* still in use/,
  );

  expect(stranger.exitCode).toBeNull();
  stranger.kill("SIGINT");
  expect(await ended).toBe(0);
  await (await startEmbeddedPostgres({ dataDir })).stop();
});
