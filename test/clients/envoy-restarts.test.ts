import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import { BalancedClient } from "../support/balanced-client.ts";
import { grpcClients } from "../support/clients.ts";
import { figure } from "../support/figures.ts";
import { Replicas } from "../support/replicas.ts";
import { SteadyLoad } from "../support/steady-load.ts";
import { testWith } from "../support/tools.ts";
import { Envoy, envoy } from "./envoy.ts";
import { deadlineMs, expectNoFailure, failuresOfTransport, type Trial } from "./no-call-fails.ts";

const instances = 3;

describe(`Envoy in front of ${instances} replicas`, () => {
  testWith(
    envoy,
    "each replica is restarted by SIGTERM: no call fails, although nothing is retried",
    () =>
      expectNoFailure(() =>
        trial({ "num_retries: 2": "num_retries: 0" }, async (replicas, proxy) => {
          for (let i = 0; i < instances; i++) {
            expect(await replicas.stop(i, "SIGTERM")).toBe(0);
            await replicas.startAgain(i);
            await untilHealthy(proxy);
          }
        }),
      ),
    300_000,
  );

  testWith(
    envoy,
    "a replica is killed: Envoy repeats the calls that it had, and none fails",
    () =>
      expectNoFailure(() =>
        // The load gives every write a request_id.
        trial({ "connect-failure": "connect-failure,reset" }, async (replicas, proxy) => {
          await replicas.stop(0, "SIGKILL");
          await replicas.startAgain(0);
          await untilHealthy(proxy);
        }),
      ),
    300_000,
  );
});

/** Calls replicas through Envoy while something is done to them. */
async function trial(
  changes: Readonly<Record<string, string>>,
  disturb: (replicas: Replicas, proxy: Envoy) => Promise<void>,
): Promise<Trial> {
  // Long enough for two health checks of Envoy.
  await using replicas = await Replicas.start(Array(instances).fill({ AUTH_DRAIN_DELAY: "3s" }));
  const upstreams = Object.fromEntries(
    replicas.addresses.map((address, i) => [`auth-${i + 1}:50051`, address]),
  );
  await using proxy = await Envoy.start({ config: "grpc", upstreams, changes });
  const { user } = await grpcClients(replicas.running[0]!).users.createUser({ user: { username: "ada" } });
  using client = new BalancedClient([proxy.address], { retries: false });
  using load = new SteadyLoad(client, user!.id, deadlineMs);
  await sleep(500);
  await disturb(replicas, proxy);
  await sleep(500);
  await load.end();
  figure("restarts behind Envoy", {
    calls: load.begun,
    failed: load.failures.length,
    retries: await proxy.stat("cluster.auth.upstream_rq_retry"),
  });
  expect(load.begun).toBeGreaterThan(0);
  return { failures: failuresOfTransport(load.failures), slowDatabase: replicas.haveSlowDatabase };
}

async function untilHealthy(proxy: Envoy): Promise<void> {
  while ((await proxy.stat("cluster.auth.membership_healthy")) < instances) await sleep(50);
}
