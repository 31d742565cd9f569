import { describe, expect, test } from "vitest";
import { BalancedClient } from "../support/balanced-client.ts";
import { grpcClients } from "../support/clients.ts";
import { figure } from "../support/figures.ts";
import { Replicas } from "../support/replicas.ts";
import { SteadyLoad } from "../support/steady-load.ts";
import { stress } from "../support/stress.ts";

const instances = 3;
const restarts = stress(20, 200);

describe("three instances behind a client that balances", () => {
  test(`are restarted one by one, ${restarts} times: no call fails`, {
    timeout: stress(240_000, 3_600_000),
  }, async () => {
    await using replicas = await Replicas.start(Array(instances).fill({}));
    const { user } = await grpcClients(replicas.running[0]!).users.createUser({ user: { username: "ada" } });
    using client = new BalancedClient(replicas.addresses);
    using load = new SteadyLoad(client, user!.id);
    let slowestStopMs = 0;
    for (let i = 0; i < restarts; i++) {
      const which = i % instances;
      const begunBefore = load.begun;
      const stoppedAt = performance.now();
      expect(await replicas.stop(which, "SIGTERM")).toBe(0);
      slowestStopMs = Math.max(slowestStopMs, Math.round(performance.now() - stoppedAt));
      await replicas.startAgain(which);
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
    expect(load.failures.slice(0, 5), `${load.failures.length} calls failed`).toEqual([]);
  });
});
