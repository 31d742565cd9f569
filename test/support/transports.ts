import type { Interceptor, Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { type EchoHandlers, serveGrpc, serveHttp } from "./echo-server.ts";

export interface Served {
  readonly transport: Transport;
  readonly address: string;
  drain(graceMs: number): Promise<void>;
}

export interface ServeOptions {
  readonly interceptors?: readonly Interceptor[];
  readonly maxTimeoutMs?: number;
}

type Serve = (handlers?: EchoHandlers, options?: ServeOptions) => Promise<Served>;

function overHttp(open: (baseUrl: string) => Transport): Serve {
  return async (handlers = {}, { interceptors = [], ...limits } = {}) => {
    const listener = await serveHttp(handlers, { interceptors, options: limits });
    return { ...listener, transport: open(`http://${listener.address}`) };
  };
}

const overGrpc: Serve = async (handlers = {}, { interceptors = [], ...limits } = {}) => {
  const listener = await serveGrpc(handlers, { interceptors, options: limits });
  return { ...listener, transport: createGrpcTransport({ baseUrl: `http://${listener.address}` }) };
};

/** All that speaks to the service, each with the port that is for it. Bidirectional streams need HTTP/2. */
export const transports: readonly (readonly [name: string, serve: Serve, bidi: boolean])[] = [
  ["gRPC", overGrpc, true],
  ["gRPC-Web", overHttp((baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })), false],
  [
    "Connect",
    overHttp((baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true })),
    false,
  ],
  [
    "Connect with JSON",
    overHttp((baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" })),
    false,
  ],
];
