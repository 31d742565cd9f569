import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { describe, expect } from "vitest";
import { borrowDatabase } from "../../../src/infrastructure/db/borrow-database.ts";
import { findRunningServer } from "../../../src/infrastructure/db/embedded-postgres/running-server.ts";
import { startEmbeddedPostgres } from "../../../src/infrastructure/db/embedded-postgres.ts";
import { query, serverProcesses, test } from "../../support/embedded-postgres.ts";

const borrow = (dataDir: string, waitMs = 20_000) =>
  borrowDatabase({
    databaseUrl: undefined,
    dataDir,
    log: () => {},
    signal: new AbortController().signal,
    waitMs,
  });

describe("a database that is borrowed", () => {
  test("is started where nobody runs it, and stopped afterwards", async ({ usedFolder }) => {
    {
      await using database = await borrow(usedFolder);
      expect(database.ownedElsewhere).toBe(false);
      expect(await query(database.uri.reveal(), "select 1 as one")).toEqual([{ one: 1 }]);
    }
    expect(await serverProcesses(usedFolder)).toEqual([]);
  });

  test("is another's where another process runs it, who goes on with it", async ({
    usedFolder,
    startOwner,
  }) => {
    const { uri } = await startOwner(usedFolder).said;
    {
      await using database = await borrow(usedFolder);
      expect(database.ownedElsewhere).toBe(true);
      expect(database.uri.reveal()).toBe(uri);
      await query(database.uri.reveal(), "insert into kept values (1)");
    }
    expect(await query(uri ?? "", "select row from kept")).toEqual([{ row: 1 }]);
  });

  test("is waited for where another process is starting it", async ({ newFolder, startOwner }) => {
    const owner = startOwner(newFolder);
    // Its folder is taken long before its database, which has to be created, takes connections.
    while (!existsSync(join(newFolder, "pid"))) await sleep(1);
    expect(await findRunningServer(newFolder)).toBeUndefined();
    await using database = await borrow(newFolder);
    expect(database.ownedElsewhere).toBe(true);
    expect(database.uri.reveal()).toBe((await owner.said).uri);
  });

  test("is waited for where another process is stopping it", async ({ usedFolder, startOwner }) => {
    const owner = startOwner(usedFolder);
    await owner.said;
    const stopped = owner.stop();
    let database = await borrow(usedFolder);
    // It may have been found a moment before it stopped.
    if (database.ownedElsewhere) {
      await stopped;
      database = await borrow(usedFolder);
    }
    expect(database.ownedElsewhere).toBe(false);
    expect(await query(database.uri.reveal(), "select 1 as one")).toEqual([{ one: 1 }]);
    await database[Symbol.asyncDispose]();
  });

  test("is not stopped while somebody else is at work with it, and lets nobody in meanwhile", async ({
    usedFolder,
  }) => {
    const first = await borrow(usedFolder);
    const second = new Client({ connectionString: first.uri.reveal() });
    await second.connect();
    const stopped = first[Symbol.asyncDispose]();
    await expect.poll(() => findRunningServer(usedFolder)).toBeUndefined();
    await sleep(300);
    expect((await second.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await expect(query(first.uri.reveal(), "select 1")).rejects.toThrow(/shutting down/);
    await second.end();
    await stopped;
    expect(await serverProcesses(usedFolder)).toEqual([]);
  });
});

test("a server that stops at once cuts its clients off, as ever", async ({ usedFolder }) => {
  const server = await startEmbeddedPostgres({ dataDir: usedFolder });
  const client = new Client({ connectionString: server.uri });
  const cut = new Promise<Error>((resolve) => client.on("error", resolve));
  await client.connect();
  await server.stop();
  expect((await cut).message).toMatch(/terminat/);
});
