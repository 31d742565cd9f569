import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import { bind } from "../listen.ts";
import type { TlsFiles } from "../tls-files.ts";
import { type HttpHandlerOptions, httpHandler } from "./http-handler.ts";

/** Limits of the HTTP port. Times in milliseconds, sizes in bytes; the defaults are in `defaultHttpServerOptions`. */
export interface HttpServerOptions {
  /** The longest time for one call, also for a caller that sets no deadline. */
  readonly maxTimeoutMs: number;
  /** The same for a call whose answers are a stream to one request. `maxTimeoutMs` where it is not given. */
  readonly maxStreamMs?: number | undefined;
  /** The largest request message, also after inflation. */
  readonly maxMessageBytes: number;
  readonly maxHeaderBytes: number;
  /** What a caller gets to send the headers, and the whole request. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** How long a connection may be idle between requests. */
  readonly keepAliveTimeoutMs: number;
  /** How often the two timeouts of requests are looked at. */
  readonly checkIntervalMs: number;
}

export const defaultHttpServerOptions: HttpServerOptions = {
  maxTimeoutMs: 15_000,
  maxMessageBytes: 1024 * 1024,
  maxHeaderBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 20_000,
  keepAliveTimeoutMs: 65_000,
  checkIntervalMs: 1_000,
};

type Limits = "maxTimeoutMs" | "maxStreamMs" | "maxMessageBytes";

export interface HttpListenOptions extends Omit<HttpHandlerOptions, Limits> {
  /** `host:port`; port 0 for any free one. */
  readonly address: string;
  /** Plaintext where not given. */
  readonly tls?: TlsFiles | undefined;
  readonly options?: Partial<HttpServerOptions> | undefined;
}

/** The open HTTP port. */
export interface HttpListener {
  /** `host:port` that is really bound. */
  readonly address: string;
  /**
   * Stops accepting, closes connections without a request, waits for the requests in flight and cuts off what is left
   * after `graceMs`. Resolved when nothing is open any more; safe to call twice.
   */
  drain(graceMs: number): Promise<void>;
}

/**
 * Opens the HTTP port: Connect, gRPC-Web and JSON on HTTP/1.1, `/livez` and `/readyz`.
 *
 * @throws ListenError
 */
export async function listenHttp(options: HttpListenOptions): Promise<HttpListener> {
  const limits = { ...defaultHttpServerOptions, ...options.options };
  const { maxTimeoutMs, maxStreamMs = maxTimeoutMs, maxMessageBytes } = limits;
  const handler = httpHandler({ ...options, maxTimeoutMs, maxStreamMs, maxMessageBytes });
  const drains: ((graceMs: number) => Promise<void>)[] = [];
  const bound = await bind(options.address, () => {
    const server = openServer(limits, options.tls, handler);
    drains.push(drainer(server));
    return server;
  });
  let drained: Promise<unknown> | undefined;
  return {
    address: bound.address,
    async drain(graceMs) {
      drained ??= Promise.all(drains.map((drain) => drain(graceMs)));
      await drained;
    },
  };
}

const unreadMs = 15_000;

function openServer(limits: HttpServerOptions, tls: TlsFiles | undefined, handler: RequestListener): Server {
  const options: ServerOptions = {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: limits.checkIntervalMs,
    noDelay: true,
  };
  const server = openWith(options, tls, limits, handler);
  // A caller that leaves its answer unread.
  server.setTimeout(limits.maxTimeoutMs + unreadMs);
  return server;
}

function openWith(
  options: ServerOptions,
  tls: TlsFiles | undefined,
  limits: HttpServerOptions,
  handler: RequestListener,
): Server {
  if (tls === undefined) {
    return createServer(options, handler);
  }
  const handshakeTimeout = limits.headersTimeoutMs;
  const server = createTlsServer({ ...options, ...tls.context, handshakeTimeout }, handler);
  tls.keepUpToDate(server);
  return server;
}

/** Watches the connections of a server, and answers how to drain it. */
function drainer(server: Server): (graceMs: number) => Promise<void> {
  // Node counts a connection that has not sent anything yet as busy, and would wait for it.
  const silent = new Map<string, Socket>();
  let draining = false;
  server.on("connection", (socket: Socket) => {
    const name = nameOf(socket);
    silent.set(name, socket);
    socket.once("close", () => silent.delete(name));
  });
  server.prependListener("request", (request, response) => {
    silent.delete(nameOf(request.socket));
    if (draining) {
      response.setHeader("connection", "close");
    }
    response.once("close", () => {
      if (draining) {
        setImmediate(() => server.closeIdleConnections());
      }
    });
  });
  return async (graceMs) => {
    draining = true;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of silent.values()) {
      socket.destroy();
    }
    const force = setTimeout(() => server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(force);
  };
}

/** Who is at the other end: under TLS, the socket of a request is not the one that was accepted. */
function nameOf(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}
