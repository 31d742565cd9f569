import { expect, test } from "vitest";
import { grpcClients } from "../support/clients.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { startService } from "../support/service.ts";
import { Canaries } from "./canaries.ts";

// grpc-go GHSA-xr7q: what a library traces. It is why GRPC_VERBOSITY=DEBUG is refused in production (unsafe-runtime.ts); should
// this find nothing some day, it need not be any longer.
test("grpc-js that traces everything shows the keys of callers, and nothing of messages", async () => {
  const database = await createTestDatabase();
  const canaries = new Canaries();
  const environment = { GRPC_VERBOSITY: "DEBUG", GRPC_TRACE: "all", NODE_DEBUG: "" };
  try {
    await using service = await startService({
      DATABASE_URL: database.uri,
      AUTH_MIGRATE: "auto",
      ...environment,
    });
    const { users, authentication } = grpcClients(service);
    await users.createUser({ user: { username: "ada" }, password: canaries.at("password") });
    const headers = { authorization: `Bearer ${canaries.at("bearer")}` };
    await authentication
      .verifyPassword({ identifier: "ada", password: canaries.at("guess") }, { headers })
      .catch(() => {});
    service.process.kill("SIGTERM");
    await service.process.exited();
    const found = canaries.foundIn(service.process.output);
    expect(found).toContain("bearer (canary 2) as text");
    expect(found.filter((name) => !name.includes("bearer"))).toEqual([]);
  } finally {
    await database.drop();
  }
});
