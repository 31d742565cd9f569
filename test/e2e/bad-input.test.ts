import { connect, constants } from "node:http2";
import { connect as connectTcp } from "node:net";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { grpcClients, httpClients } from "../support/clients.ts";
import { errorOf } from "../support/rpc.ts";
import { password } from "../support/services.ts";
import { sharedService } from "../support/shared-service.ts";

/** What no library of ours would send, on both ports of a whole service: an answer, and the process goes on. */
describe("bad input from the network", () => {
  const shared = sharedService();
  beforeAll(async () => {
    await grpcClients(shared.running).users.createUser({ user: { username: "canary" }, password });
  });
  afterEach(async () => {
    for (const { users, authentication } of [grpcClients(shared.running), httpClients(shared.running)]) {
      await users.lookupUser({ identifier: { case: "username", value: "canary" } });
      await authentication.verifyPassword({ identifier: "canary", password });
    }
    expect(shared.running.process.output).not.toMatch(/uncaughtException|unhandledRejection/);
  });

  /** One HTTP/2 request on the gRPC port. Answers its headers and trailers. */
  const http2 = (headers: Record<string, string>, body: Buffer = Buffer.alloc(0)) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const session = connect(`http://${shared.running.grpcAddress}`).on("error", reject);
      const stream = session.request({
        ":method": "POST",
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      });
      const seen: Record<string, unknown> = {};
      stream.on("response", (received) => Object.assign(seen, received));
      stream.on("trailers", (received) => Object.assign(seen, received));
      stream.on("error", () => {});
      stream.on("close", () => {
        session.destroy();
        resolve({ ...seen, rstCode: stream.rstCode });
      });
      stream.resume();
      stream.end(body);
    });

  /** Raw bytes on the HTTP port. Answers the status line. */
  const http1 = (request: string) =>
    new Promise<string>((resolve, reject) => {
      const { hostname, port } = new URL(shared.running.httpUrl);
      const socket = connectTcp(Number(port), hostname).on("error", reject);
      let received = "";
      socket.on("data", (data) => {
        received += data;
      });
      socket.on("close", () => resolve(received.split("\r\n")[0] ?? ""));
      socket.write(request);
    });

  const aGetUser = { ":path": "/auth.v1.UserService/GetUser" };

  const anEmptyGetUser = (authority: string) =>
    http2({ ...aGetUser, ":authority": authority }, frame(Buffer.alloc(0)));

  test.each(["localhost:99999", "[::", "x".repeat(8_000)])(
    "the :authority %.20j is as good as any",
    async (authority) => {
      expect((await anEmptyGetUser(authority))["grpc-status"]).toBe(String(Code.InvalidArgument));
    },
  );

  test.each(["a|b", ""])("the :authority %j is against the protocol", async (authority) => {
    expect((await anEmptyGetUser(authority))["rstCode"]).toBe(constants.NGHTTP2_PROTOCOL_ERROR);
  });

  test.each(["a|b", "localhost:99999", "", "[::", "a b"])("Host %j on the HTTP port", async (host) => {
    const line = await http1(
      `POST /auth.v1.UserService/GetUser HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
    );
    expect(line).toMatch(/^HTTP\/1\.1 400 /);
  });

  test.each([
    "/auth.v1.UserService/Nope",
    "/auth.v1.userservice/GetUser",
    "/auth.v1.UserService/GetUser/",
    "//",
    "/%41",
  ])("the path %s is UNIMPLEMENTED on both ports", async (path) => {
    const answer = await http2({ ":path": path });
    expect(answer["grpc-status"]).toBe(String(Code.Unimplemented));
    expect(answer["grpc-status-details-bin"]).toBeDefined();
    const response = await fetch(shared.running.httpUrl + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      code: "unimplemented",
      details: [{ type: "google.rpc.ErrorInfo", debug: { reason: "METHOD_NOT_FOUND" } }],
    });
  });

  test("bytes that are no message", async () => {
    const answer = await http2(aGetUser, frame(Buffer.from([0xff, 0xff, 0xff])));
    expect(answer["grpc-status"]).toBe(String(Code.InvalidArgument));
    const response = await fetch(`${shared.running.httpUrl}/auth.v1.UserService/GetUser`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"id": ',
    });
    expect(response.status).toBe(400);
  });

  test("a password of 1 MiB, on both ports, is refused before it is hashed", async () => {
    const mebibyte = "x".repeat(1024 * 1024);
    for (const { authentication, users } of [grpcClients(shared.running), httpClients(shared.running)]) {
      const verify = authentication.verifyPassword({ identifier: "canary", password: mebibyte });
      expect((await errorOf(verify)).code).toBe(Code.ResourceExhausted);
      const create = users.createUser({ user: { username: "big" }, password: mebibyte });
      expect((await errorOf(create)).code).toBe(Code.ResourceExhausted);
      const almost = authentication.verifyPassword({ identifier: "canary", password: mebibyte.slice(200) });
      expect(await errorOf(almost)).toMatchObject({ code: Code.InvalidArgument, fields: ["password"] });
      const missing = users.lookupUser({ identifier: { case: "username", value: "big" } });
      expect(await errorOf(missing)).toMatchObject({ reason: "USER_NOT_FOUND" });
    }
  });

  test("a call for longer than the service gives to one is cut short, not refused", async () => {
    const { users } = grpcClients(shared.running);
    await users.lookupUser({ identifier: { case: "username", value: "canary" } }, { timeoutMs: 3_600_000 });
  });
});

/** A message as gRPC frames it: not compressed, its length, its bytes. */
function frame(message: Buffer): Buffer<ArrayBuffer> {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
