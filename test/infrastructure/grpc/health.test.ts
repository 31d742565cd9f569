import { status } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { createHealth } from "../../../src/infrastructure/grpc/health.ts";
import { serveGrpc } from "../../support/echo-server.ts";
import { HealthClient } from "../../support/health-client.ts";
import { until } from "../../support/wait.ts";

const echo = "echo.v1.EchoService";

async function serveHealth() {
  const health = createHealth([echo]);
  // Shorter than any watch: the deadline of calls is not for watches.
  const { address } = await serveGrpc({}, { health, options: { maxTimeoutMs: 100 } });
  return { health, client: new HealthClient(address) };
}

it("says of nothing that it serves before it is told", async () => {
  const { client } = await serveHealth();
  for (const service of ["", "readiness", echo]) {
    expect(await client.check(service)).toBe("NOT_SERVING");
  }
});

it("says of the process, and of the services, what it was told", async () => {
  const { client, health } = await serveHealth();
  const list = async () => {
    const statuses = await client.list();
    return ["", "readiness", echo].map((name) => statuses[name]?.status);
  };
  health.setLive(true);
  expect(await list()).toEqual(["SERVING", "NOT_SERVING", "NOT_SERVING"]);
  health.setReady(true);
  expect(await list()).toEqual(["SERVING", "SERVING", "SERVING"]);
  health.setReady(false);
  expect(await list()).toEqual(["SERVING", "NOT_SERVING", "NOT_SERVING"]);
  expect(await client.check("")).toBe("SERVING");
});

it("knows no other names", async () => {
  const { client } = await serveHealth();
  await expect(client.check("typo")).rejects.toMatchObject({ code: status.NOT_FOUND });
});

it("tells watchers of each change, once, for as long as they like", async () => {
  const { client, health } = await serveHealth();
  const watch = client.watch("readiness");
  await until(() => watch.statuses.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 200));
  health.setReady(true);
  health.setReady(true);
  await until(() => watch.statuses.length === 2);
  health.setReady(false);
  await until(() => watch.statuses.length === 3);
  expect(watch.statuses).toEqual(["NOT_SERVING", "SERVING", "NOT_SERVING"]);
  watch.cancel();
  expect((await watch.ended).code).toBe(status.CANCELLED);
  health.setReady(true);
  expect(await client.check("readiness")).toBe("SERVING");
});

it("serves nothing any more once it is shut down, whatever it is told", async () => {
  const { client, health } = await serveHealth();
  health.setReady(true);
  const watch = client.watch("readiness");
  await until(() => watch.statuses.length === 1);
  health.shutDown();
  health.setReady(true);
  expect((await watch.ended).code).toBe(status.UNAVAILABLE);
  expect(watch.statuses).toEqual(["SERVING", "NOT_SERVING"]);
  expect(await client.check("readiness")).toBe("NOT_SERVING");
  const late = client.watch("readiness");
  expect((await late.ended).code).toBe(status.UNAVAILABLE);
  expect(late.statuses).toEqual(["NOT_SERVING"]);
});
