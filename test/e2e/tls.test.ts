import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { UserService } from "../../src/gen/auth/v1/user_service_pb.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { PairFolder, selfSigned } from "../support/self-signed.ts";
import { startService } from "../support/service.ts";

test("AUTH_TLS=on: both ports speak TLS by the files, and neither speaks plaintext", async () => {
  const pair = selfSigned("localhost");
  const folder = new PairFolder(pair);
  const database = await createTestDatabase();
  const service = await startService({
    DATABASE_URL: database.uri,
    AUTH_MIGRATE: "auto",
    AUTH_TLS: "on",
    AUTH_TLS_CERT_FILE: folder.certFile,
    AUTH_TLS_KEY_FILE: folder.keyFile,
  });
  const nodeOptions = { ca: pair.cert };
  const grpcUrl = `https://${service.grpcAddress}`;
  const list = (transport: Parameters<typeof createClient>[1]) =>
    createClient(UserService, transport).listUsers({});

  expect(service.httpUrl).toMatch(/^https:/);
  expect((await list(createGrpcTransport({ baseUrl: grpcUrl, nodeOptions }))).users).toEqual([]);
  const https = createConnectTransport({ baseUrl: service.httpUrl, httpVersion: "1.1", nodeOptions });
  expect((await list(https)).users).toEqual([]);

  await expect(list(createGrpcTransport({ baseUrl: grpcUrl }))).rejects.toThrow(/certificate/);
  await expect(list(createGrpcTransport({ baseUrl: grpcUrl.replace("https", "http") }))).rejects.toThrow();
  await expect(fetch(`${service.httpUrl.replace("https", "http")}/livez`)).rejects.toThrow();

  await service[Symbol.asyncDispose]();
  await database.drop();
});
