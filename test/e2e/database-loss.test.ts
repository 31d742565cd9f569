import { Code } from "@connectrpc/connect";
import { Client, credentials } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { grpcClients } from "../support/clients.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { errorOf } from "../support/rpc.ts";
import { type RunningService, startService } from "../support/service.ts";
import { WireProxy } from "../support/wire-proxy.ts";

describe("a service whose database goes and comes back", () => {
  let database: TestDatabase;
  let proxy: WireProxy;
  let service: RunningService;

  beforeAll(async () => {
    database = await createTestDatabase();
    proxy = await WireProxy.start(database.uri);
    service = await startService({ DATABASE_URL: proxy.uri, AUTH_MIGRATE: "auto" });
  });
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await proxy?.[Symbol.asyncDispose]();
    await database?.drop();
  });

  test("says so within 5 seconds, both ways, on health and /readyz; the process stays", async () => {
    const watches = ["readiness", "auth.v1.UserService", ""].map((name) => watchHealth(service, name));
    const [readiness, users, process] = watches;
    const lookup = () =>
      grpcClients(service).users.lookupUser({ identifier: { case: "username", value: "ada" } });
    const readyz = async () => (await fetch(`${service.httpUrl}/readyz`)).status;
    await expect.poll(() => readiness?.seen).toEqual(["SERVING"]);

    proxy.refuse();
    await expect.poll(() => readiness?.seen, { timeout: 5_000 }).toEqual(["SERVING", "NOT_SERVING"]);
    expect(users?.seen).toEqual(["SERVING", "NOT_SERVING"]);
    expect(await readyz()).toBe(503);
    const startedAt = performance.now();
    const error = await errorOf(lookup());
    expect(error).toMatchObject({ code: Code.Unavailable, reason: "DATABASE_UNAVAILABLE" });
    expect(error.retryAfterMs).toBeGreaterThan(0);
    expect(performance.now() - startedAt).toBeLessThan(2_500);

    proxy.accept();
    await expect
      .poll(() => readiness?.seen, { timeout: 5_000 })
      .toEqual(["SERVING", "NOT_SERVING", "SERVING"]);
    expect(await readyz()).toBe(200);
    expect(await errorOf(lookup())).toMatchObject({ reason: "USER_NOT_FOUND" });
    expect(process?.seen).toEqual(["SERVING"]);
    for (const watch of watches) watch.close();
  });
});

function watchHealth({ grpcAddress }: RunningService, service: string) {
  const client = new Client(grpcAddress, credentials.createInsecure());
  const definition = healthService["Watch"];
  if (definition === undefined) throw new Error("the health service has no Watch");
  const watch = client.makeServerStreamRequest(
    definition.path,
    definition.requestSerialize,
    definition.responseDeserialize,
    { service },
  );
  const seen: string[] = [];
  watch.on("data", ({ status }) => seen.push(status));
  watch.on("error", () => {});
  return {
    seen,
    close() {
      watch.cancel();
      client.close();
    },
  };
}
