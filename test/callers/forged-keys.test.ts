import { randomBytes } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { ServiceAccountService } from "../../src/gen/auth/v1/service_account_service_pb.ts";
import { HmacServiceAccountKeys } from "../../src/infrastructure/crypto/hmac-service-account-keys.ts";
import { forgedKeys } from "../infrastructure/crypto/forged-service-account-keys.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { errorOf } from "../support/rpc.ts";
import { startService } from "../support/service.ts";
import { WireProxy } from "../support/wire-proxy.ts";

// 1,096 forged keys once cost 1,097 transactions, before anything was known of the caller.
test("2,000 forged keys send no statement to the database, and a valid key still works", {
  timeout: 120_000,
}, async () => {
  await using stack = new AsyncDisposableStack();
  const database = await createTestDatabase();
  stack.defer(() => database.drop());
  const proxy = stack.use(await WireProxy.start(database.uri));
  const service = stack.use(await startService({ DATABASE_URL: proxy.uri, AUTH_MIGRATE: "auto" }));
  const transport = createGrpcTransport({ baseUrl: `http://${service.grpcAddress}` });
  const accounts = createClient(ServiceAccountService, transport);
  const { serviceAccount } = await accounts.createServiceAccount({ name: "billing", roles: ["admin"] });
  const { key } = await accounts.createServiceAccountKey({ serviceAccountId: serviceAccount?.id ?? "" });
  const list = (bearer: string) =>
    accounts.listServiceAccounts({}, { headers: { authorization: `Bearer ${bearer}` } });
  await list(key);

  // Tasks in the background go on meanwhile: of keys they only write when one was used.
  const lookUps = () =>
    proxy.statements.filter((text) => /^\s*select[\s\S]*service_account/i.test(text)).length;
  const before = lookUps();
  expect(before).toBeGreaterThan(0);
  const forged = forgedKeys(new HmacServiceAccountKeys(randomBytes(32)), 2_000);
  const lane = async () => {
    for (const bearer of forged) {
      expect(await errorOf(list(bearer))).toMatchObject({ reason: "CALLER_UNAUTHENTICATED" });
    }
  };
  await Promise.all(Array.from({ length: 32 }, lane));
  expect(lookUps() - before).toBe(0);
  expect((await list(key)).serviceAccounts).toHaveLength(1);
});
