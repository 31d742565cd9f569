import type { Http2Session } from "node:http2";
import type { ConnectError, ConnectRouter, ContextValues, Interceptor } from "@connectrpc/connect";
import { logVerbosity, Server, ServerCredentials, type ServerOptions, setLogVerbosity } from "@grpc/grpc-js";
import type { Peer } from "../../domain/caller/peer.ts";
import { Health as HealthService } from "../../gen/grpc/health/v1/health_pb.ts";
import { bind } from "../sockets/listen.ts";
import { type ClosedConnection, OpenConnections } from "../sockets/open-connections.ts";
import { UnreadBytes } from "../sockets/unread-bytes.ts";
import { peerOfSession } from "../tls/peer.ts";
import type { TlsFiles } from "../tls/tls-files.ts";
import type { Admit } from "./admit.ts";
import { bindConnect } from "./connect-binding.ts";
import { liftResetLimit, takeOverStreams } from "./grpc-js-internals.ts";
import type { Health } from "./health.ts";
import { OpenSockets, openServer } from "./open-sockets.ts";
import { addReflection, type ReflectionOptions } from "./reflection.ts";
import { ResetLimit } from "./reset-limit.ts";
import { serveStreams, watchResets } from "./serve-streams.ts";
import { watchErrors } from "./session-errors.ts";
import { Turns } from "./turns.ts";

/** Limits of the gRPC port. Times in milliseconds, sizes in bytes; the defaults are in `defaultGrpcServerOptions`. */
export interface GrpcServerOptions {
  /** Maximum duration of a call, also if the caller sets no deadline. */
  readonly maxTimeoutMs: number;
  /** The same for a stream. Defaults to `maxTimeoutMs`. */
  readonly maxStreamMs?: number | undefined;
  /** Maximum size of a request message, before and after decompression. */
  readonly maxMessageBytes: number;
  /**
   * Maximum open calls per connection. Keep it far above real use: near it, Node ends queued calls when others are
   * cancelled.
   */
  readonly maxConcurrentStreams: number;
  /**
   * How many unanswered calls the callers on one connection may cancel per second, before it is closed as a rapid-reset
   * attack (CVE-2023-44487). A proxy has one connection for all its callers and cancels each call at its deadline.
   */
  readonly resetsPerSecond: number;
  /**
   * A connection that is silent for `keepaliveTimeMs` is pinged, and closed if no reply comes within
   * `keepaliveTimeoutMs`.
   */
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  /** After this time, ±10 %, clients are asked to reconnect (GOAWAY), so that they find new replicas. */
  readonly maxConnectionAgeMs: number;
  /** How long calls on such a connection may still take. */
  readonly maxConnectionAgeGraceMs: number;
}

export const defaultGrpcServerOptions: GrpcServerOptions = {
  maxTimeoutMs: 15_000,
  maxMessageBytes: 1024 * 1024,
  maxConcurrentStreams: 4_096,
  resetsPerSecond: 1_000,
  keepaliveTimeMs: 60_000,
  keepaliveTimeoutMs: 20_000,
  maxConnectionAgeMs: 15 * 60_000,
  maxConnectionAgeGraceMs: 30_000,
};

export interface GrpcListenOptions {
  /** `host:port` or `unix:/path`; port 0 selects a free port. */
  readonly address: string;
  readonly routes: (router: ConnectRouter) => unknown;
  /** Outermost first. */
  readonly interceptors: readonly Interceptor[];
  /** Called before the first message of a call is read. If absent, every call is admitted. */
  readonly admit?: Admit | undefined;
  /** Creates the initial context values of a call. Empty if absent. */
  readonly contextOf?: ((peer: Peer) => ContextValues) | undefined;
  /** Plaintext if absent. */
  readonly tls?: TlsFiles | undefined;
  readonly options?: Partial<GrpcServerOptions> | undefined;
  /** Called for each connection that the server closes for its own reasons. */
  readonly onClose?: ((closed: ClosedConnection) => void) | undefined;
  /** Serves grpc.health.v1.Health if present. */
  readonly health?: Health | undefined;
  /** Serves grpc.reflection.v1 and v1alpha if present. */
  readonly reflection?: ReflectionOptions | undefined;
  /** Creates the error for an unknown method. The path is as the caller sent it. */
  readonly unknownMethod: (path: string) => ConnectError;
  /** Called with each error that is answered as "internal error", and the path of its method. */
  readonly report?: ((error: unknown, path: string) => void) | undefined;
  /** Limits the bytes held by incomplete messages. All listeners of a process share one. */
  readonly unread?: UnreadBytes | undefined;
  /** Whether a peer may cancel any number of calls. */
  readonly mayReset?: ((peer: Peer) => boolean) | undefined;
}

/** The open gRPC port. */
export interface GrpcListener {
  /** The bound `host:port`, or `unix:/path`. */
  readonly address: string;
  /**
   * Stops accepting connections, reports NOT_SERVING, ends health watches, sends GOAWAY, waits for calls in flight and
   * aborts the rest after `graceMs`. Resolves when every connection is closed; safe to call twice.
   */
  drain(graceMs: number): Promise<void>;
}

/**
 * Opens the gRPC port.
 *
 * Sockets are accepted here and passed to grpc-js, although it can bind by itself. So an address in use is reported
 * with a reason, TLS certificates are renewed as on the HTTP port, and a drain can end connections that never reached
 * HTTP/2.
 *
 * @throws ListenError if the address cannot be bound
 */
export async function listenGrpc(options: GrpcListenOptions): Promise<GrpcListener> {
  const { health, unknownMethod } = options;
  keepHeadersOutOfLogs();
  const limits = { ...defaultGrpcServerOptions, ...options.options };
  const { maxTimeoutMs, maxStreamMs = maxTimeoutMs } = limits;
  const binding = bindConnect({ ...options, maxTimeoutMs, maxStreamMs });
  const server = new Server(grpcJsOptions(limits));
  const resets = {
    resets: new ResetLimit(limits.resetsPerSecond),
    mayReset: options.mayReset ?? (() => false),
    onResetFlood: ({ address: peer }: Peer) =>
      options.onClose?.({ peer, reason: "too many cancelled calls" }),
  };
  const { maxMessageBytes } = limits;
  const unread = options.unread ?? new UnreadBytes();
  let newest: Http2Session | undefined;
  takeOverStreams(
    server,
    serveStreams({ binding, turns: new Turns(), unknownMethod, maxMessageBytes, unread, ...resets }),
    (session) => {
      newest = session;
      watchResets(session, resets);
      const { address: peer } = peerOfSession(session);
      watchErrors(session, (reason) => options.onClose?.({ peer, reason }));
    },
  );
  health?.addToServer(server);
  const reflection =
    options.reflection &&
    addReflection(server, [...binding.services, ...(health ? [HealthService] : [])], options.reflection);
  liftResetLimit(server);

  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const connections = new OpenConnections({
    tls: options.tls,
    graceMs: limits.maxConnectionAgeGraceMs,
    onClose: options.onClose,
  });
  const sockets = new OpenSockets(injector, () => newest, connections);
  const bound = await bind(options.address, () => openServer(options.tls, sockets));
  return {
    address: bound.address,
    drain(graceMs) {
      health?.shutDown();
      reflection?.shutDown();
      return sockets.drain(bound.servers, graceMs);
    },
  };
}

/**
 * grpc-js prints headers that it cannot read to stderr, with their values: a malformed `authorization` would be
 * exposed. An operator who sets the verbosity (GRPC_VERBOSITY, GRPC_NODE_VERBOSITY) overrides this.
 */
function keepHeadersOutOfLogs(): void {
  const { GRPC_VERBOSITY, GRPC_NODE_VERBOSITY } = process.env;
  if (GRPC_VERBOSITY === undefined && GRPC_NODE_VERBOSITY === undefined) {
    setLogVerbosity(logVerbosity.NONE);
  }
}

function grpcJsOptions(limits: GrpcServerOptions): ServerOptions {
  return {
    "grpc.max_concurrent_streams": limits.maxConcurrentStreams,
    "grpc.keepalive_time_ms": limits.keepaliveTimeMs,
    "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
    "grpc.max_connection_age_ms": limits.maxConnectionAgeMs,
    "grpc.max_connection_age_grace_ms": limits.maxConnectionAgeGraceMs,
    // Channelz keeps statistics per call and connection that nothing here reads.
    "grpc.enable_channelz": 0,
  };
}
