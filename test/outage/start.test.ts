import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { grpcClients } from "../support/clients.ts";
import { query } from "../support/embedded-postgres.ts";
import { type Environment, ServiceProcess } from "../support/service.ts";
import { StoppablePostgres } from "../support/stoppable-postgres.ts";

describe("a service that starts before its database can take it", () => {
  let postgres: StoppablePostgres;
  let process: ServiceProcess | undefined;

  beforeEach(async () => {
    postgres = await StoppablePostgres.stopped();
  });
  afterEach(async () => {
    process?.kill("SIGKILL");
    await process?.exited();
    await postgres[Symbol.asyncDispose]();
  });

  const start = (environment: Environment = {}) => {
    process = new ServiceProcess({ DATABASE_URL: postgres.uri, AUTH_MIGRATE: "auto", ...environment });
    return process;
  };
  /** Says why it waits, and tries a few times. */
  const waits = async (service: ServiceProcess, why: string) => {
    await expect.poll(() => service.output, { timeout: 15_000 }).toContain(why);
    await sleep(1_000);
    expect(service.child.exitCode).toBeNull();
  };
  const serves = async (service: ServiceProcess) => {
    const { grpcAddress } = await service.logged("auth is serving");
    const { users } = grpcClients({ grpcAddress: String(grpcAddress) });
    return users.createUser({ user: { username: "ada" } });
  };
  const connections = async () => {
    const counted = "select count(*)::int as n from pg_stat_activity where application_name = 'auth'";
    return (await query(postgres.uri, counted))[0]?.["n"];
  };

  test("waits for one that is not there yet, and serves once it is", async () => {
    const service = start();
    await waits(service, "waiting for the database");
    await postgres.start();
    await expect(serves(service)).resolves.toBeDefined();
  });

  test("waits for connections where others hold all of them", async () => {
    await postgres.start();
    await postgres.takeAllConnections();
    const service = start();
    await waits(service, "too many clients");
    await postgres.giveConnectionsBack();
    await expect(serves(service)).resolves.toBeDefined();
  });

  // One that could not get all connections of its pool once kept the others at every try, until it had used up the server.
  test("waits for enough connections, and keeps none of those that were too few", async () => {
    await postgres.start();
    await postgres.takeAllConnections(5);
    const service = start({ AUTH_DATABASE_POOL_SIZE: "8" });
    await waits(service, "too many clients");
    await postgres.giveConnectionsBack();
    await expect(serves(service)).resolves.toBeDefined();
    await expect.poll(connections).toBe(8);
  });

  test("gives up when AUTH_DATABASE_WAIT is over", async () => {
    const service = start({ AUTH_DATABASE_WAIT: "500ms" });
    expect(await service.exited()).toBe(1);
    expect(service.stderr).toMatch(/^cannot connect to the database at .*: /);
  });
});
