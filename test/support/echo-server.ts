import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, type ServiceImpl } from "@connectrpc/connect";
import { onTestFinished } from "vitest";
import { ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.ts";
import {
  type GrpcListener,
  type GrpcListenOptions,
  listenGrpc,
} from "../../src/infrastructure/grpc/listen-grpc.ts";
import {
  type HttpListener,
  type HttpListenOptions,
  listenHttp,
} from "../../src/infrastructure/http/listen-http.ts";
import { EchoService } from "../gen/echo/v1/echo_service_pb.ts";

export type EchoHandlers = Partial<ServiceImpl<typeof EchoService>>;

/** An EchoService that does what its comments say. */
export const echo: ServiceImpl<typeof EchoService> = {
  say: ({ text }) => ({ text }),
  async *repeat({ text, count }) {
    for (let i = 0; i < count; i++) {
      yield { text };
    }
  },
  async join(requests) {
    let text = "";
    for await (const request of requests) {
      text += request.text;
    }
    return { text };
  },
  async *talk(requests) {
    for await (const { text } of requests) {
      yield { text };
    }
  },
};

/** Routes of the EchoService, with handlers of the test's own in place of the usual ones. */
export function echoRoutes(handlers: EchoHandlers = {}): (router: ConnectRouter) => ConnectRouter {
  return (router) => router.service(EchoService, { ...echo, ...handlers });
}

export function errorInfo(reason: string) {
  return { desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { reason, domain: "auth" }) };
}

export function unknownMethod(path: string): ConnectError {
  return new ConnectError(`no ${path}`, Code.Unimplemented, undefined, [errorInfo("METHOD_NOT_FOUND")]);
}

/** A gRPC port that serves the EchoService until the test is over. */
export async function serveGrpc(
  handlers: EchoHandlers = {},
  options: Partial<GrpcListenOptions> = {},
): Promise<GrpcListener> {
  const listener = await listenGrpc({
    address: "127.0.0.1:0",
    routes: echoRoutes(handlers),
    interceptors: [],
    unknownMethod,
    ...options,
  });
  onTestFinished(() => listener.drain(0));
  return listener;
}

/** An HTTP port that serves the EchoService until the test is over. */
export async function serveHttp(
  handlers: EchoHandlers = {},
  options: Partial<HttpListenOptions> = {},
): Promise<HttpListener> {
  const listener = await listenHttp({
    address: "127.0.0.1:0",
    routes: echoRoutes(handlers),
    interceptors: [],
    live: () => true,
    ready: () => true,
    unknownMethod,
    ...options,
  });
  onTestFinished(() => listener.drain(0));
  return listener;
}
