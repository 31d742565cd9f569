import { expect, it } from "vitest";
import { bindConnect } from "../../../src/infrastructure/grpc/connect-binding.ts";
import { EchoService } from "../../gen/echo/v1/echo_service_pb.ts";
import { echoRoutes, serveGrpc } from "../../support/echo-server.ts";
import { GrpcJsClient } from "../../support/grpc-js-client.ts";

it("names the services of its routes, each once", () => {
  const { services } = bindConnect({
    routes: (router) =>
      router
        .rpc(EchoService.method.say, ({ text }) => ({ text }))
        .rpc(EchoService.method.join, async () => ({})),
    interceptors: [],
    maxTimeoutMs: 1_000,
    maxStreamMs: 1_000,
  });
  expect(services).toEqual([EchoService]);
});

it("serves methods that are routed one by one, and no others", async () => {
  const { address } = await serveGrpc(
    {},
    { routes: (router) => router.rpc(EchoService.method.say, ({ text }) => ({ text })) },
  );
  const client = new GrpcJsClient(address);
  expect((await client.say("x")).texts).toEqual(["x"]);
  expect((await client.call("join", [])).status.details).toBe("no /echo.v1.EchoService/Join");
});

it("answers UNIMPLEMENTED for a method that its service has no handler for", async () => {
  const { address } = await serveGrpc({}, { routes: (router) => router.service(EchoService, {}) });
  const outcome = await new GrpcJsClient(address).say("x");
  expect(outcome.status).toMatchObject({ code: 12, details: expect.stringContaining("is not implemented") });
});

it("refuses two handlers for one method", () => {
  const routes = (router: Parameters<ReturnType<typeof echoRoutes>>[0]) =>
    echoRoutes()(router).rpc(EchoService.method.say, ({ text }) => ({ text }));
  expect(() => bindConnect({ routes, interceptors: [], maxTimeoutMs: 1_000, maxStreamMs: 1_000 })).toThrow(
    "/echo.v1.EchoService/Say is routed twice",
  );
});

it("outlives a report that fails", async () => {
  const { address } = await serveGrpc(
    {
      say() {
        throw new Error("a defect");
      },
    },
    {
      report() {
        throw new Error("the log is full");
      },
    },
  );
  const client = new GrpcJsClient(address);
  expect((await client.say("x")).status.details).toBe("internal error");
  expect((await client.call("join", [])).status.code).toBe(0);
});
