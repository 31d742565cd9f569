import { appendFile, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import {
  EmbeddedPostgresError,
  FolderInUseError,
  startEmbeddedPostgres,
} from "../../../src/infrastructure/db/embedded-postgres.ts";
import { query, serverProcess, serverProcesses, test } from "../../support/embedded-postgres.ts";

function socketFolder(uri: string): string {
  return new URL(uri).searchParams.get("host")!;
}

test("creates a durable, serializable database that only its socket leads to", async ({
  newFolder: dataDir,
}) => {
  const postgres = await startEmbeddedPostgres({ dataDir });
  try {
    expect(postgres.dataDir).toBe(dataDir);
    const settings = await query(
      postgres.uri,
      `select name, setting from pg_settings where name in
        ('listen_addresses', 'fsync', 'full_page_writes', 'synchronous_commit', 'default_transaction_isolation',
         'server_encoding', 'TimeZone')`,
    );
    expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
      listen_addresses: "",
      fsync: "on",
      full_page_writes: "on",
      synchronous_commit: "on",
      default_transaction_isolation: "serializable",
      server_encoding: "UTF8",
      TimeZone: "UTC",
    });
    expect(
      await query(postgres.uri, "select datname, datcollate from pg_database where datallowconn order by 1"),
    ).toEqual([
      { datname: "auth", datcollate: "C" },
      { datname: "template1", datcollate: "C" },
    ]);
    const cluster = await stat(join(dataDir, "postgres"));
    const socket = await stat(socketFolder(postgres.uri));
    expect(cluster.mode & 0o777).toBe(0o700);
    expect(socket.mode & 0o777).toBe(0o700);
    expect(socket.uid).toBe(cluster.uid);
  } finally {
    await postgres.stop();
  }
});

test("keeps its rows from one start to the next and leaves nothing running or lying about", async ({
  usedFolder: dataDir,
}) => {
  const first = await startEmbeddedPostgres({ dataDir });
  await query(first.uri, "insert into kept values (1)");
  await Promise.all([first.stop(), first.stop()]);
  await first.stop();

  expect(await serverProcesses(dataDir)).toEqual([]);
  await expect(stat(socketFolder(first.uri))).rejects.toMatchObject({ code: "ENOENT" });
  await expect(stat(join(dataDir, "pid"))).rejects.toMatchObject({ code: "ENOENT" });
  await expect(stat(join(dataDir, "temporary-folders"))).rejects.toMatchObject({ code: "ENOENT" });

  const second = await startEmbeddedPostgres({ dataDir });
  try {
    expect(await query(second.uri, "select row from kept")).toEqual([{ row: 1 }]);
  } finally {
    await second.stop();
  }
});

test("a folder has one owner, in this process and among all", async ({ usedFolder: dataDir, startOwner }) => {
  const here = await startEmbeddedPostgres({ dataDir });
  const inUse = (pid: number | undefined) =>
    `${dataDir} is in use by another auth (process ${pid}); stop it first, or set AUTH_DATA_DIR to another folder`;
  try {
    await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(
      new FolderInUseError(inUse(process.pid), false),
    );
    expect(await startOwner(dataDir).said).toEqual({
      name: "EmbeddedPostgresError",
      message: inUse(process.pid),
    });
    expect(await query(here.uri, "select 1 as one")).toEqual([{ one: 1 }]);
  } finally {
    await here.stop();
  }
  const child = startOwner(dataDir);
  await child.said;
  await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(inUse(child.process.pid));
});

test("names a folder below the working directory as one would type it", async ({
  usedFolder: dataDir,
  startOwner,
}) => {
  const postgres = await startEmbeddedPostgres({ dataDir });
  const { message } = await startOwner("./data", { cwd: join(dataDir, "..") }).said;
  await postgres.stop();

  expect(message).toMatch(/^\.\/data is in use by another auth/);
});

test("says in one sentence why PostgreSQL does not start, and starts once that is mended", async ({
  usedFolder: dataDir,
}) => {
  const settings = join(dataDir, "postgres", "postgresql.conf");
  const good = await readFile(settings);
  await appendFile(settings, "\nno_such_setting = 1\n");

  const start = startEmbeddedPostgres({ dataDir });
  await expect(start).rejects.toThrow(EmbeddedPostgresError);
  await expect(start).rejects.toThrow(/did not start \(exit code 1\): .*no_such_setting.*DATABASE_URL/);

  await writeFile(settings, good);
  await (await startEmbeddedPostgres({ dataDir })).stop();
});

test("does not touch the data of another major version, or what is no data", async ({
  usedFolder: dataDir,
}) => {
  await writeFile(join(dataDir, "postgres", "PG_VERSION"), "17\n");
  await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(
    /was written by PostgreSQL 17, but this is PostgreSQL 18/,
  );

  await rm(join(dataDir, "postgres", "PG_VERSION"));
  await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(
    /contains no readable PostgreSQL data \(ENOENT\)/,
  );
});

test("tells when PostgreSQL ends by itself, and can be stopped and started again", async ({
  usedFolder: dataDir,
}) => {
  const postgres = await startEmbeddedPostgres({ dataDir });
  process.kill(await serverProcess(dataDir), "SIGKILL");

  expect(await postgres.ended).toMatch(/^PostgreSQL stopped unexpectedly \(ended by SIGKILL\): /);
  await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(/in use/);
  await postgres.stop();
  await (await startEmbeddedPostgres({ dataDir })).stop();
});

test("does not tell of an end that was asked for", async ({ usedFolder }) => {
  const postgres = await startEmbeddedPostgres({ dataDir: usedFolder });
  await postgres.stop();

  expect(await Promise.race([postgres.ended, sleep(100, "silence")])).toBe("silence");
});

test.for([0, 200, 700])(
  "gives up starting when asked to, after %i ms",
  async (delay, { newFolder: dataDir }) => {
    const start = startEmbeddedPostgres({ dataDir, signal: AbortSignal.timeout(delay) });
    // On a fast machine it may have started before.
    const outcome = await start.catch((error: Error) => error.name);
    if (typeof outcome !== "string") await outcome.stop();
    else expect(outcome).toBe("TimeoutError");

    await expect(stat(join(dataDir, "temporary-folders"))).rejects.toMatchObject({ code: "ENOENT" });
    await (await startEmbeddedPostgres({ dataDir })).stop();
  },
);

test("keeps one old log when the log has grown large", async ({ usedFolder: dataDir }) => {
  await appendFile(join(dataDir, "postgres.log"), "x".repeat(5_000_000));
  await (await startEmbeddedPostgres({ dataDir })).stop();

  expect((await stat(join(dataDir, "postgres.old.log"))).size).toBeGreaterThan(5_000_000);
  expect(await readFile(join(dataDir, "postgres.log"), "utf8")).toMatch(/^.*starting PostgreSQL/);
  expect((await stat(join(dataDir, "postgres.log"))).mode & 0o777).toBe(0o600);
});
