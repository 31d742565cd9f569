import type { Http2Session } from "node:http2";
import type { ConnectError, ConnectRouter, ContextValues, Interceptor } from "@connectrpc/connect";
import { logVerbosity, Server, ServerCredentials, type ServerOptions, setLogVerbosity } from "@grpc/grpc-js";
import type { Peer } from "../../domain/caller/peer.ts";
import { Health as HealthService } from "../../gen/grpc/health/v1/health_pb.ts";
import { bind } from "../listen.ts";
import { type ClosedConnection, OpenConnections } from "../open-connections.ts";
import { peerOfSession } from "../peer.ts";
import type { TlsFiles } from "../tls-files.ts";
import { UnreadBytes } from "../unread-bytes.ts";
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
  /** The longest time for one call, also for a caller that sets no deadline. */
  readonly maxTimeoutMs: number;
  /** The same for a stream. `maxTimeoutMs` if it is not set. */
  readonly maxStreamMs?: number | undefined;
  /** The largest request message, also after inflation. */
  readonly maxMessageBytes: number;
  /** Open calls per connection. Keep it far above real use: near it, Node ends queued calls when others are cancelled. */
  readonly maxConcurrentStreams: number;
  /**
   * How many unanswered calls the callers on one connection may cancel in a second, before it is closed as a rapid-reset
   * attack (CVE-2023-44487). A proxy has one connection for all its callers, and cancels each call at its deadline.
   */
  readonly resetsPerSecond: number;
  /** A connection that has been silent for `keepaliveTimeMs` is pinged, and closed without an answer in time. */
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  /** After this, give or take a tenth, a connection is asked to be replaced, so that callers find new replicas. */
  readonly maxConnectionAgeMs: number;
  /** What the calls of such a connection get to finish. */
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
  /** `host:port`; port 0 for any free one. */
  readonly address: string;
  readonly routes: (router: ConnectRouter) => unknown;
  /** Outermost first. */
  readonly interceptors: readonly Interceptor[];
  /** Asked before the first message of a call is read. Without it every call is admitted. */
  readonly admit?: Admit | undefined;
  /** What a call begins with, where not with nothing. */
  readonly contextOf?: ((peer: Peer) => ContextValues) | undefined;
  /** Plaintext where not given. */
  readonly tls?: TlsFiles | undefined;
  readonly options?: Partial<GrpcServerOptions> | undefined;
  /** Called for each connection that this side closes for a reason of its own. */
  readonly onClose?: ((closed: ClosedConnection) => void) | undefined;
  /** Serves grpc.health.v1.Health where given. */
  readonly health?: Health | undefined;
  /** Serves grpc.reflection.v1 and v1alpha where given. */
  readonly reflection?: ReflectionOptions | undefined;
  /** The error for a method that does not exist. The path is as the caller sent it. */
  readonly unknownMethod: (path: string) => ConnectError;
  /** Told of every error that leaves as "internal error", with the path of the method. */
  readonly report?: ((error: unknown, path: string) => void) | undefined;
  /** Bounds what messages hold that have not come as a whole. One for all listeners of a process. */
  readonly unread?: UnreadBytes | undefined;
  /** Whether a peer may cancel as many calls as it likes. */
  readonly mayReset?: ((peer: Peer) => boolean) | undefined;
}

/** The open gRPC port. */
export interface GrpcListener {
  /** `host:port` that is really bound. */
  readonly address: string;
  /**
   * Stops accepting, says NOT_SERVING and ends health watches, tells callers to go (GOAWAY), waits for the calls in
   * flight and cuts off what is left after `graceMs`. Resolved when nothing is open any more; safe to call twice.
   */
  drain(graceMs: number): Promise<void>;
}

/**
 * Opens the gRPC port.
 *
 * The sockets are accepted here and handed to grpc-js, which could bind by itself: this way an address in use is an
 * error with a reason, TLS certificates are renewed as on the other port, and a drain can end connections that never
 * got as far as HTTP/2.
 *
 * @throws ListenError
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
 * grpc-js prints a header that it cannot read, value and all, to stderr: a broken `authorization` would be readable
 * there. Whoever sets its verbosity from outside (GRPC_VERBOSITY) gets what was asked for.
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
    // Bookkeeping per call and per connection that nothing here reads.
    "grpc.enable_channelz": 0,
  };
}
