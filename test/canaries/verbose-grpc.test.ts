import { expect, test } from "vitest";
import { grpcClients } from "../support/clients.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { startService } from "../support/service.ts";
import { Canaries } from "./canaries.ts";

// grpc-go GHSA-xr7q: what a library traces. Calls bypass grpc-js's own server call, which traced their headers. Production
// refuses GRPC_VERBOSITY=DEBUG all the same (unsafe-runtime.ts): what another version traces is not known.
test("grpc-js that traces everything shows no secret of a call", async () => {
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
    // It has traced: else nothing could be found.
    expect(service.process.output).toContain("| server |");
    expect(canaries.foundIn(service.process.output)).toEqual([]);
  } finally {
    await database.drop();
  }
});
