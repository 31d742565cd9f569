import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import type { ServiceError } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UserService } from "../../src/gen/auth/v1/user_service_pb.ts";
import { BalancedClient } from "../support/balanced-client.ts";
import { grpcClients } from "../support/clients.ts";
import { figure } from "../support/figures.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { type RunningService, startService } from "../support/service.ts";
import { stress } from "../support/stress.ts";

const instances = 3;
const restarts = stress(20, 200);
/** Calls that are begun every twenty milliseconds: 150 a second. */
const callsPerTick = 3;
const tickMs = 20;
const deadlineMs = 5_000;

describe("three instances behind a client that balances", () => {
  let database: TestDatabase;
  let addresses: string[];
  let running: RunningService[];

  const start = (grpcAddress: string) =>
    startService({
      DATABASE_URL: database.uri,
      AUTH_MIGRATE: "auto",
      AUTH_GRPC_ADDRESS: grpcAddress,
      AUTH_DRAIN_DELAY: "300ms",
    });

  beforeEach(async () => {
    database = await createTestDatabase();
    addresses = await freeAddresses();
    running = await Promise.all(addresses.map(start));
  });
  afterEach(async () => {
    await Promise.all(running.map((service) => service[Symbol.asyncDispose]()));
    await database.drop();
  });

  test(`are restarted one by one, ${restarts} times: no call fails`, {
    timeout: stress(240_000, 3_600_000),
  }, async () => {
    using load = new SteadyLoad(addresses, await aUser(running[0]!));
    let slowestStopMs = 0;
    for (let i = 0; i < restarts; i++) {
      const which = i % instances;
      const begunBefore = load.begun;
      const stoppedAt = performance.now();
      const stopping = running[which]!;
      stopping.process.kill("SIGTERM");
      expect(await stopping.process.exited()).toBe(0);
      slowestStopMs = Math.max(slowestStopMs, Math.round(performance.now() - stoppedAt));
      running[which] = await start(addresses[which]!);
      expect(load.begun).toBeGreaterThan(begunBefore);
    }
    await load.end();

    figure("rolling restart", {
      restarts,
      calls: load.begun,
      failed: load.failures.length,
      "slowest call ms": load.slowestMs,
      "slowest stop ms": slowestStopMs,
    });
    expect(load.failures).toEqual([]);
  });
});

/** Reads and writes at a steady rate, however long each takes. */
class SteadyLoad implements Disposable {
  readonly failures: { readonly method: string; readonly error: ServiceError; readonly ms: number }[] = [];
  begun = 0;
  slowestMs = 0;
  readonly #client: BalancedClient;
  readonly #open = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  constructor(addresses: readonly string[], id: string) {
    this.#client = new BalancedClient(addresses);
    this.#timer = setInterval(() => {
      for (let i = 0; i < callsPerTick; i++) this.#begin(id);
    }, tickMs);
  }

  /** Begins no more, and waits for what is open. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#client[Symbol.dispose]();
  }

  #begin(id: string): void {
    const call = this.#call(id, this.begun++).finally(() => this.#open.delete(call));
    this.#open.add(call);
  }

  async #call(id: string, n: number): Promise<void> {
    const { getUser, createUser, listUsers } = UserService.method;
    const startedAt = performance.now();
    // A write to every four reads.
    const method = [createUser, getUser, listUsers, getUser, getUser][n % 5]!;
    const error = await (method === createUser
      ? this.#client.call(
          createUser,
          { user: { username: `user-${n}` }, requestId: randomUUID() },
          deadlineMs,
        )
      : method === getUser
        ? this.#client.call(getUser, { id }, deadlineMs)
        : this.#client.call(listUsers, { pageSize: 1 }, deadlineMs));
    const ms = Math.round(performance.now() - startedAt);
    this.slowestMs = Math.max(this.slowestMs, ms);
    if (error !== undefined) this.failures.push({ method: method.name, error, ms });
  }
}

async function aUser(service: RunningService): Promise<string> {
  const { user } = await grpcClients(service).users.createUser({ user: { username: "ada" } });
  return user!.id;
}

/** Addresses that stay free between a stop and a start: below the ports that the system gives to clients. */
async function freeAddresses(): Promise<string[]> {
  const addresses: string[] = [];
  while (addresses.length < instances) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!free) continue;
    server.close();
    await once(server, "close");
    addresses.push(`127.0.0.1:${port}`);
  }
  return addresses;
}
