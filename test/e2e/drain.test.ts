import { setTimeout as sleep } from "node:timers/promises";
import { Client, credentials } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { grpcClients, httpClients } from "../support/clients.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Environment, startService } from "../support/service.ts";
import { password } from "../support/services.ts";

describe("a service that is told to stop", () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createTestDatabase();
  });
  afterEach(() => database.drop());

  const start = (environment: Environment = {}) =>
    startService({ DATABASE_URL: database.uri, AUTH_MIGRATE: "auto", ...environment });
  /** Costs a second or more, so that a call that is begun before the delay is over is in flight after it. */
  const slowHashes = { AUTH_ARGON2_ITERATIONS: "80" };

  test("by SIGTERM: readiness goes off first, calls in flight finish, exit code 0", async () => {
    const service = await start({ AUTH_DRAIN_DELAY: "800ms", ...slowHashes });
    const { users, authentication } = grpcClients(service);
    await users.createUser({ user: { username: "ada" }, password });
    const ready = async () => (await fetch(`${service.httpUrl}/readyz`)).status;
    const live = async () => (await fetch(`${service.httpUrl}/livez`)).status;
    expect([await ready(), await live()]).toEqual([200, 200]);

    service.process.kill("SIGTERM");
    await service.process.logged("not ready");
    expect([await ready(), await live()]).toEqual([503, 200]);
    await expect(users.lookupUser({ identifier: { case: "username", value: "ada" } })).resolves.toBeDefined();

    const inFlight = [
      authentication.verifyPassword({ identifier: "ada", password }),
      httpClients(service).authentication.verifyPassword({ identifier: "ada", password }),
    ];
    const results = await Promise.all(inFlight);
    expect(results.map(({ user }) => user?.username)).toEqual(["ada", "ada"]);
    expect(await service.process.exited()).toBe(0);
    expect(service.process.log.filter(({ msg }) => msg === "call").map(({ code }) => code)).not.toContain(
      "INTERNAL",
    );
  });

  test("does not wait for those who only watch its health, or keep an idle connection", async () => {
    const service = await start();
    const health = new Client(service.grpcAddress, credentials.createInsecure());
    const definition = healthService["Watch"];
    if (definition === undefined) throw new Error("the health service has no Watch");
    const watch = health.makeServerStreamRequest(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
      { service: "readiness" },
    );
    const seen: unknown[] = [];
    watch.on("data", ({ status }) => seen.push(status));
    const ended = new Promise((resolve) => watch.on("error", resolve));
    await expect.poll(() => seen).toEqual(["SERVING"]);
    await fetch(`${service.httpUrl}/livez`, { headers: { connection: "keep-alive" } });

    const startedAt = performance.now();
    service.process.kill("SIGTERM");
    expect(await service.process.exited()).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await ended;
    expect(seen).toEqual(["SERVING", "NOT_SERVING"]);
    health.close();
  });

  test("twice, ends at once", async () => {
    const service = await start({ AUTH_DRAIN_DELAY: "30s" });
    service.process.kill("SIGTERM");
    await service.process.logged("not ready");
    await sleep(400);
    const startedAt = performance.now();
    service.process.kill("SIGTERM");
    expect(await service.process.exited()).toBe(1);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  test("by one signal that arrives twice, as npm and a terminal send it, drains all the same", async () => {
    const service = await start();
    service.process.kill("SIGINT");
    service.process.kill("SIGINT");
    expect(await service.process.exited()).toBe(0);
  });
});
