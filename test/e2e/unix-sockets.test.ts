import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { auth } from "../support/cli.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { ServiceProcess, startService, temporaryFolder } from "../support/service.ts";
import { shell } from "../support/shell.ts";
import { testWith } from "../support/tools.ts";

async function setUp() {
  const folder = await temporaryFolder();
  const database = await createTestDatabase();
  onTestFinished(async () => {
    await folder[Symbol.asyncDispose]();
    await database.drop();
  });
  const [grpc, http] = [join(folder.path, "grpc.sock"), join(folder.path, "http.sock")];
  const environment = {
    DATABASE_URL: database.uri,
    AUTH_MIGRATE: "auto",
    AUTH_GRPC_ADDRESS: `unix:${grpc}`,
    AUTH_HTTP_ADDRESS: `unix:${http}`,
  };
  return { grpc, http, environment };
}

async function isReady(path: string): Promise<boolean> {
  const client = new Client(`unix:${path}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  const asIs = (bytes: Buffer) => bytes;
  return new Promise((resolve) => {
    client.makeUnaryRequest("/grpc.health.v1.Health/Check", asIs, asIs, Buffer.alloc(0), (error) =>
      resolve(error === null),
    );
  });
}

test("sockets are served, removed on exit and replaced after a kill, and a second process is refused", async () => {
  const { grpc, http, environment } = await setUp();
  const first = await startService(environment);
  expect([first.grpcAddress, statSync(grpc).mode & 0o7777]).toEqual([`unix:${grpc}`, 0o660]);
  expect(statSync(http).mode & 0o7777).toBe(0o660);
  expect(await isReady(grpc)).toBe(true);

  const second = new ServiceProcess(environment);
  expect(await second.exited()).toBe(1);
  expect(second.stderr).toContain(`cannot listen on unix:${grpc}: address already in use`);
  expect(await isReady(grpc)).toBe(true);

  first.process.kill("SIGKILL");
  await once(first.process.child, "close");
  expect(existsSync(grpc)).toBe(true);
  const third = await startService(environment);
  expect(await isReady(grpc)).toBe(true);
  await third[Symbol.asyncDispose]();
  expect([existsSync(grpc), existsSync(http)]).toEqual([false, false]);
}, 90_000);

test("auth doctor looks at sockets, and leaves them as they are", async () => {
  const { grpc, environment } = await setUp();
  expect((await auth(["doctor"], environment)).stdout).toContain(`unix:${grpc} is free.`);
  expect(existsSync(grpc)).toBe(false);
  const service = await startService(environment);
  expect((await auth(["doctor"], environment)).stdout).toContain(`A service answers on unix:${grpc}.`);
  service.process.kill("SIGKILL");
  await once(service.process.child, "close");
  const { stdout } = await auth(["doctor"], environment);
  expect(stdout).toContain(`unix:${grpc} is a stale socket`);
  expect(existsSync(grpc)).toBe(true);
}, 90_000);

testWith(
  "curl",
  "curl calls over a socket",
  async () => {
    const { http, environment } = await setUp();
    await using _ = await startService(environment);
    const { stdout } = await shell(
      `curl -fsS --unix-socket ${http} -H 'content-type: application/json' -d '{}' http://auth/auth.v1.UserService/ListUsers`,
    );
    expect(stdout).toBe("{}");
  },
  60_000,
);
