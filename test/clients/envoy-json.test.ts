import { join } from "node:path";
import { Code, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { UserService } from "../../src/gen/auth/v1/user_service_pb.ts";
import { errorOf } from "../support/rpc.ts";
import { temporaryFolder } from "../support/service.ts";
import { sharedService } from "../support/shared-service.ts";
import { shell } from "../support/shell.ts";
import { isThere, testWith } from "../support/tools.ts";
import { Envoy, envoy } from "./envoy.ts";

describe("Envoy in front of the gRPC port, for clients that do not speak gRPC", () => {
  const shared = sharedService();
  const stack = new AsyncDisposableStack();
  let url: string;

  beforeAll(async () => {
    if (!isThere(envoy)) return;
    const { path } = stack.use(await temporaryFolder());
    const descriptors = join(path, "auth.binpb");
    await shell(`buf build --as-file-descriptor-set -o '${descriptors}'`);
    const proxy = stack.use(
      await Envoy.start({
        config: "json",
        upstreams: { "auth-1:50051": shared.running.grpcAddress },
        changes: { "/etc/envoy/auth.binpb": descriptors },
      }),
    );
    url = `http://${proxy.address}`;
  });
  afterAll(() => stack.disposeAsync());

  const post = async (method: string, message: object) => {
    const response = await fetch(`${url}/auth.v1.${method}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(message),
    });
    return { status: response.status, body: await response.json() };
  };

  testWith(envoy, "JSON: messages both ways", async () => {
    const created = await post("UserService/CreateUser", {
      user: { username: "json", displayName: "Jay" },
      password: "correct horse battery staple",
    });
    expect(created).toMatchObject({
      status: 200,
      body: { user: { username: "json", displayName: "Jay", state: "STATE_ACTIVE" } },
    });
    const { id } = (created.body as { user: { id: string } }).user;
    expect(await post("UserService/GetUser", { id })).toEqual(created);
  });

  testWith(envoy, "JSON: an error with its details", async () => {
    expect(await post("UserService/GetUser", { id: "x" })).toMatchObject({
      status: 400,
      body: {
        code: 3,
        message: expect.stringContaining("id"),
        details: expect.arrayContaining([
          expect.objectContaining({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            reason: "INVALID_REQUEST",
          }),
          expect.objectContaining({
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            fieldViolations: [expect.objectContaining({ field: "id" })],
          }),
        ]),
      },
    });
    const missing = await post("UserService/GetUser", { id: "0b8e4c1e-9b9c-4b57-a8b5-0b0b4b0d5d11" });
    expect(missing).toMatchObject({ status: 404, body: { code: 5 } });
  });

  testWith(envoy, "JSON: Envoy drops unknown fields, as docs/proxies.md warns", async () => {
    const { status } = await post("UserService/ListUsers", { filter: { noSuchField: "a" } });
    expect(status).toBe(200);
  });

  testWith(envoy, "gRPC-Web: a message and an error with its details", async () => {
    const transport = createGrpcWebTransport({ baseUrl: url, httpVersion: "1.1" });
    const users = createClient(UserService, transport);
    const { user } = await users.createUser({ user: { username: "grpc-web" } });
    expect(user).toMatchObject({ username: "grpc-web" });
    expect(await errorOf(users.getUser({ id: "x" }))).toMatchObject({
      code: Code.InvalidArgument,
      reason: "INVALID_REQUEST",
    });
  });
});
