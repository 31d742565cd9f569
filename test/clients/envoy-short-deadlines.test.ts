import { setTimeout as sleep } from "node:timers/promises";
import { Client, credentials, status } from "@grpc/grpc-js";
import { describe, expect } from "vitest";
import { BalancedClient } from "../support/balanced-client.ts";
import { grpcClients } from "../support/clients.ts";
import { figure } from "../support/figures.ts";
import { Replicas } from "../support/replicas.ts";
import { SteadyLoad } from "../support/steady-load.ts";
import { testWith } from "../support/tools.ts";
import { Envoy, envoy } from "./envoy.ts";
import {
  expectNoFailure,
  failuresOfTransport,
  deadlineMs as patientMs,
  type Trial,
} from "./no-call-fails.ts";

/** Calls whose caller gives up after 4 ms: 600 a second. */
const impatientCalls = 4_800;
const callsPerTick = 12;
const tickMs = 20;
const deadlineMs = 4;

describe("one connection of a proxy for many callers", () => {
  testWith(
    envoy,
    `${impatientCalls} callers give up after ${deadlineMs} ms: no call of the others fails`,
    () => expectNoFailure(trial),
    240_000,
  );
});

async function trial(): Promise<Trial> {
  await using replicas = await Replicas.start([{}]);
  await using proxy = await startEnvoy(replicas.addresses[0]!);
  const { user } = await grpcClients(replicas.running[0]!).users.createUser({ user: { username: "ada" } });
  using client = new BalancedClient([proxy.address], { retries: false });
  using innocent = new SteadyLoad(client, user!.id, patientMs);
  await giveUp(proxy.address);
  await innocent.end();
  const closed = await proxy.stat("cluster.auth.upstream_cx_destroy_remote");
  figure("short deadlines through Envoy", {
    "other calls": innocent.begun,
    failed: innocent.failures.length,
    "streams reset by Envoy": await proxy.stat("cluster.auth.upstream_rq_tx_reset"),
    "connections closed by auth": closed,
  });
  const failures = failuresOfTransport(innocent.failures);
  return {
    failures: closed === 0 ? failures : [`auth has closed ${closed} connections`, ...failures],
    slowDatabase: replicas.haveSlowDatabase,
  };
}

/** Envoy with one replica, and without the retries that would hide a connection that was closed. */
function startEnvoy(address: string): Promise<Envoy> {
  const endpoint = (name: string) =>
    `              - endpoint: { address: { socket_address: { address: ${name}, port_value: 50051 } } }\n`;
  return Envoy.start({
    config: "grpc",
    upstreams: { "auth-1:50051": address },
    changes: { [endpoint("auth-2")]: "", [endpoint("auth-3")]: "", "num_retries: 2": "num_retries: 0" },
  });
}

/** Health watches: they stay open, so that each ends by its deadline and Envoy resets its stream. */
async function giveUp(address: string): Promise<void> {
  const client = new Client(address, credentials.createInsecure());
  const ends: Promise<unknown>[] = [];
  while (ends.length < impatientCalls) {
    for (let i = 0; i < callsPerTick; i++) ends.push(watchBriefly(client));
    await sleep(tickMs);
  }
  const codes = await Promise.all(ends);
  client.close();
  expect(codes.filter((code) => code === status.DEADLINE_EXCEEDED).length).toBeGreaterThan(
    impatientCalls / 2,
  );
}

function watchBriefly(client: Client): Promise<status> {
  const watch = client.makeServerStreamRequest(
    "/grpc.health.v1.Health/Watch",
    () => Buffer.alloc(0),
    (answer) => answer,
    {},
    { deadline: Date.now() + deadlineMs },
  );
  watch.on("data", () => {});
  watch.on("error", () => {});
  return new Promise((resolve) => watch.on("status", ({ code }) => resolve(code)));
}
