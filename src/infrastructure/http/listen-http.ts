import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { bind } from "../sockets/listen.ts";
import { type ClosedConnection, OpenConnections } from "../sockets/open-connections.ts";
import type { TlsFiles } from "../tls/tls-files.ts";
import { HttpConnections } from "./http-connections.ts";
import { type HttpHandlerOptions, httpHandler } from "./http-handler.ts";

/** Limits of the HTTP port. Times in milliseconds, sizes in bytes; the defaults are in `defaultHttpServerOptions`. */
export interface HttpServerOptions {
  /** Maximum duration of a call, also if the caller sets no deadline. */
  readonly maxTimeoutMs: number;
  /** The same for a server-streaming call. Defaults to `maxTimeoutMs`. */
  readonly maxStreamMs?: number | undefined;
  /** Maximum size of a request message, before and after decompression. */
  readonly maxMessageBytes: number;
  readonly maxHeaderBytes: number;
  /** How long a caller may take for the headers, and for the whole request, from its first byte. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** How long a new connection may wait for its first request. */
  readonly unusedTimeoutMs: number;
  /** How long a connection may be idle between requests. */
  readonly keepAliveTimeoutMs: number;
  /** How often the two request timeouts are checked. */
  readonly checkIntervalMs: number;
  /** After this time, ±10 %, a connection is closed, so that callers find new replicas. */
  readonly maxConnectionAgeMs: number;
  /** How long requests on such a connection may still take. */
  readonly maxConnectionAgeGraceMs: number;
}

export const defaultHttpServerOptions: HttpServerOptions = {
  maxTimeoutMs: 15_000,
  maxMessageBytes: 1024 * 1024,
  maxHeaderBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 20_000,
  unusedTimeoutMs: 65_000,
  keepAliveTimeoutMs: 65_000,
  checkIntervalMs: 1_000,
  maxConnectionAgeMs: 15 * 60_000,
  maxConnectionAgeGraceMs: 30_000,
};

type Limits = "maxTimeoutMs" | "maxStreamMs" | "maxMessageBytes";

export interface HttpListenOptions extends Omit<HttpHandlerOptions, Limits> {
  /** `host:port` or `unix:/path`; port 0 selects a free port. */
  readonly address: string;
  /** Plaintext if absent. */
  readonly tls?: TlsFiles | undefined;
  readonly options?: Partial<HttpServerOptions> | undefined;
  /** Called for each connection that the server closes because of its age or its certificate. */
  readonly onClose?: ((closed: ClosedConnection) => void) | undefined;
}

/** The open HTTP port. */
export interface HttpListener {
  /** The bound `host:port`, or `unix:/path`. */
  readonly address: string;
  /**
   * Stops accepting connections, closes those without a request, waits for the requests in flight and aborts the rest
   * after `graceMs`. Resolves when every connection is closed; safe to call twice.
   */
  drain(graceMs: number): Promise<void>;
}

/**
 * Opens the HTTP port: Connect, gRPC-Web and JSON on HTTP/1.1, `/livez` and `/readyz`.
 *
 * @throws ListenError if the address cannot be bound
 */
export async function listenHttp(options: HttpListenOptions): Promise<HttpListener> {
  const limits = { ...defaultHttpServerOptions, ...options.options };
  const { maxTimeoutMs, maxStreamMs = maxTimeoutMs, maxMessageBytes } = limits;
  const handler = httpHandler({ ...options, maxTimeoutMs, maxStreamMs, maxMessageBytes });
  const connections = new OpenConnections({
    tls: options.tls,
    maxAgeMs: limits.maxConnectionAgeMs,
    graceMs: limits.maxConnectionAgeGraceMs,
    onClose: options.onClose,
  });
  const servers: HttpConnections[] = [];
  const bound = await bind(options.address, () => {
    const server = openServer(limits, options.tls, handler);
    servers.push(new HttpConnections(server, connections, limits.unusedTimeoutMs));
    return server;
  });
  let drained: Promise<unknown> | undefined;
  return {
    address: bound.address,
    async drain(graceMs) {
      drained ??= Promise.all(servers.map((server) => server.drain(graceMs)));
      await drained;
      connections[Symbol.dispose]();
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
  // Ends connections whose caller does not read the response.
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
