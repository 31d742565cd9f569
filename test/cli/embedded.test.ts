import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { findRunningServer } from "../../src/infrastructure/db/embedded-postgres/running-server.ts";
import { auth, authJson, RunningCommand } from "../support/cli.ts";
import { grpcClients } from "../support/clients.ts";
import { query, run, serverProcesses } from "../support/embedded-postgres.ts";
import { startService, temporaryFolder } from "../support/service.ts";

/** A data folder that a command has made, to be copied: making one takes a second. */
let made: Awaited<ReturnType<typeof temporaryFolder>>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let dataDir: string;
let env: { AUTH_DATA_DIR: string };

beforeAll(async () => {
  made = await temporaryFolder();
  const AUTH_DATA_DIR = join(made.path, "data");
  const { code, stdout, stderr } = await auth(["migrate"], { AUTH_DATA_DIR });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Applied \d+ migration steps\.\n$/);
  expect(stderr).toMatch(/^creating a new database in .*\nmigrating: 0001-users\/table\n/);
});
afterAll(() => made[Symbol.asyncDispose]());

beforeEach(async () => {
  folder = await temporaryFolder();
  dataDir = join(folder.path, "data");
  env = { AUTH_DATA_DIR: dataDir };
  await run("cp", ["-a", join(made.path, "data"), dataDir]);
});
afterEach(() => folder[Symbol.asyncDispose]());

describe("without a service", () => {
  test("a command starts the database, stops it, and leaves nothing behind", async () => {
    expect(await authJson(["user", "create", "--username", "ada"], env)).toMatchObject({
      user: { username: "ada" },
    });
    expect(await serverProcesses(dataDir)).toEqual([]);
    expect(readdirSync(dataDir).sort()).toEqual([
      "database-password",
      "lock",
      "pg_hba.conf",
      "postgres",
      "postgres.log",
      "wrapping-key",
    ]);
    expect(await authJson(["user", "get", "ada"], env)).toMatchObject({ user: { username: "ada" } });
    await using service = await startService(env);
    const { user } = await grpcClients(service).users.lookupUser({
      identifier: { case: "username", value: "ada" },
    });
    expect(user?.username).toBe("ada");
  });

  test("commands that come at once all get their answer, whichever has started the database", async () => {
    const names = ["a", "b", "c", "d"];
    await Promise.all(names.map((name) => authJson(["user", "create", "--username", name], env)));
    const { users } = await authJson<{ users: { username: string }[] }>(["user", "list"], env);
    expect(users.map(({ username }) => username).sort()).toEqual(names);
    expect(await serverProcesses(dataDir)).toEqual([]);
  });

  test("a command that fails stops the database too", async () => {
    const { code, stderr } = await auth(["user", "get", "nobody"], env);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "auth: user not found\n" });
    expect(await serverProcesses(dataDir)).toEqual([]);
  });

  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    test(`${signal} in the middle of a command ends it and the database, with ${code}`, async () => {
      const command = new RunningCommand(["user", "set-password", "nobody"], env);
      // It waits for the password, and then for the database.
      command.child.stdin?.end("correct horse battery staple");
      while (!existsSync(join(dataDir, "pid"))) await sleep(1);
      command.child.kill(signal);
      const result = await command.done;
      expect(result).toMatchObject({ code, stdout: "" });
      expect(result.stderr).toContain(`auth: ended by ${signal}`);
      expect(await serverProcesses(dataDir)).toEqual([]);
      expect(readdirSync(dataDir)).not.toContain("pid");
    });
  }

  test("SIGINT while a password is waited for ends the command", async () => {
    const command = new RunningCommand(["user", "set-password", "nobody"], env);
    await sleep(500);
    command.child.kill("SIGINT");
    expect(await command.done).toMatchObject({ code: 130, stdout: "" });
  });

  test("after kill -9 of a command the next one goes on", async () => {
    const command = new RunningCommand(["user", "list"], env);
    command.child.stdin?.end();
    while (!existsSync(join(dataDir, "postgres/postmaster.pid"))) await sleep(1);
    command.child.kill("SIGKILL");
    expect((await command.done).code).toBe("SIGKILL");
    expect(await authJson(["user", "list"], env)).toEqual({ users: [], nextPageToken: "" });
  });

  test("a service that starts at that moment waits for the command", async () => {
    const command = new RunningCommand(["user", "list"], env);
    command.child.stdin?.end();
    while (!existsSync(join(dataDir, "pid"))) await sleep(1);
    await using service = await startService(env);
    expect((await fetch(`${service.httpUrl}/readyz`)).status).toBe(200);
    expect((await command.done).code).toBe(0);
  });
});

describe("beside a service", () => {
  test("a command works on its database and does not disturb it", async () => {
    await using service = await startService(env);
    const { users } = grpcClients(service);
    await users.createUser({ user: { username: "ada" } });
    expect(await authJson(["user", "get", "ada"], env)).toMatchObject({ user: { username: "ada" } });
    await authJson(["user", "suspend", "ada", "--reason", "spam"], env);
    await authJson(["keys", "rotate"], env);
    const { user } = await users.lookupUser({ identifier: { case: "username", value: "ada" } });
    expect(user?.suspension?.reason).toBe("spam");
    expect(await serverProcesses(dataDir)).not.toEqual([]);
    expect(service.process.log.filter(({ level }) => Number(level) >= 40)).toEqual([]);
  });

  test("a command that is killed leaves it alone too", async () => {
    await using service = await startService(env);
    const command = new RunningCommand(["user", "list"], env);
    await sleep(400);
    command.child.kill("SIGKILL");
    await command.done;
    await grpcClients(service).users.createUser({ user: { username: "ada" } });
  });

  test("a service that stops meanwhile is said to have stopped", async () => {
    const service = await startService(env);
    await grpcClients(service).users.createUser({ user: { username: "ada" } });
    // Somebody holds what the command wants, so that it is at work when the service stops.
    const uri = (await findRunningServer(dataDir)) ?? "";
    const other = new Client({ connectionString: uri });
    other.on("error", () => {});
    await other.connect();
    await other.query("begin; update users set version = version");
    const command = new RunningCommand(["user", "delete", "ada"], env);
    const waits = "select count(*)::int as count from pg_stat_activity where wait_event_type = 'Lock'";
    await expect.poll(() => query(uri, waits), { timeout: 10_000 }).toEqual([{ count: 1 }]);
    service.process.kill("SIGTERM");
    const { code, stdout, stderr } = await command.done;
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe(
      "auth: the service that runs this database stopped and nothing was changed; run the command again\n",
    );
    expect(await service.process.exited()).toBe(0);
    expect(await authJson(["user", "get", "ada"], env)).toMatchObject({ user: { state: "STATE_ACTIVE" } });
  });
});
