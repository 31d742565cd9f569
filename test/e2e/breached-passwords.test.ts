import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { grpcClients } from "../support/clients.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { errorOf } from "../support/rpc.ts";
import { startService, temporaryFolder } from "../support/service.ts";

const breached = "my dog has fleas";
const digest = createHash("sha1").update(breached).digest("hex").toUpperCase();

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const start = (environment: Record<string, string>) =>
  startService({ DATABASE_URL: database.uri, AUTH_MIGRATE: "auto", ...environment });

/** Answers ranges as Have I Been Pwned does, until it is stopped. */
async function rangeServer() {
  const asked: string[] = [];
  const server = createServer(({ url = "" }, response) => {
    asked.push(url);
    response.end(url.endsWith(digest.slice(0, 5)) ? `${"0".repeat(35)}:0\r\n${digest.slice(5)}:52\r\n` : "");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.close().closeAllConnections();
      await once(server, "close");
    },
  };
}

test("a password that is known from a breach is refused by a range query, and what its failing means is said", async () => {
  const ranges = await rangeServer();
  await using refusing = await start({
    AUTH_BREACH_CHECK_URL: ranges.url,
    AUTH_BREACH_CHECK_ON_FAILURE: "refuse",
  });
  await using allowing = await start({ AUTH_BREACH_CHECK_URL: ranges.url });
  const create = (service: typeof refusing, username: string, password: string) =>
    grpcClients(service).users.createUser({ user: { username }, password });

  for (const service of [refusing, allowing]) {
    const error = await errorOf(create(service, "ada", breached));
    expect(error).toMatchObject({
      reason: "PASSWORD_UNACCEPTABLE",
      violations: [{ field: "password", description: "has appeared in a data breach" }],
    });
  }
  await create(refusing, "ada", "my cat has no fleas");
  expect(ranges.asked).toHaveLength(3);
  for (const url of ranges.asked) expect(url).toMatch(/^\/range\/[0-9A-F]{5}$/);

  await ranges.stop();
  expect(await errorOf(create(refusing, "grace", "my cat has no fleas"))).toMatchObject({
    reason: "BREACH_CHECK_UNAVAILABLE",
    retryAfterMs: 5_000,
  });
  await create(allowing, "grace", breached);
  for (const { process } of [refusing, allowing]) {
    const warning = await process.logged("breached-password check failed");
    expect(warning["level"]).toBe(40);
    for (const secret of [breached, "fleas", digest.slice(0, 5), digest.slice(5)]) {
      expect(process.output).not.toContain(secret);
    }
  }
});

test("a password that is known from a breach is refused by a file", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "breaches.txt");
  const others = Array.from({ length: 1_000 }, (_, i) => createHash("sha1").update(String(i)).digest("hex"));
  const lines = [digest, ...others.map((other) => other.toUpperCase())].sort().map((hex) => `${hex}:7\r\n`);
  await writeFile(file, lines.join(""));
  await using service = await start({ AUTH_BREACH_CHECK_FILE: file });
  const { authentication } = grpcClients(service);
  const newUser = { case: "newUser", value: {} } as const;
  const validate = (password: string) => authentication.validatePassword({ password, subject: newUser });
  expect((await validate(breached)).brokenRules.map(({ description }) => description)).toEqual([
    "has appeared in a data breach",
  ]);
  expect((await validate("my cat has no fleas")).acceptable).toBe(true);
});
