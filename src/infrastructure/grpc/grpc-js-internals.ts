import type { Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Server, ServerInterceptingCallInterface } from "@grpc/grpc-js";
import type { Peer } from "../../domain/caller/peer.ts";
import type { GrpcJsHandler } from "./grpc-js-call.ts";

// Every use of @grpc/grpc-js beyond its API. Each has a test that fails if a new version changes it.

const noPeer: Peer = { address: "", certificate: undefined };

/** The peer of a stream that grpc-js serves; its call is a GrpcJsCall. */
export function peerOfStream(stream: object): Peer {
  return (stream as { call?: { peer?: Peer } }).call?.peer ?? noPeer;
}

/** Serves one HTTP/2 stream. */
export type StreamHandler = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  grpcJs: GrpcJsMethods,
) => void;

/** The methods that grpc-js serves itself: those of the services that were added to the server. */
export interface GrpcJsMethods {
  find(path: string): GrpcJsHandler | undefined;
  /** Runs a handler that `find` returned. */
  run(handler: GrpcJsHandler, call: ServerInterceptingCallInterface): void;
}

interface Internals {
  handlers: Map<string, GrpcJsHandler>;
  _streamHandler(extraInterceptors: unknown, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void;
  _sessionHandler(http2Server: unknown): (session: Http2Session) => void;
  _runHandlerForCall(call: ServerInterceptingCallInterface, handler: GrpcJsHandler): boolean;
  commonServerOptions: { streamResetBurst?: number; streamResetRate?: number };
}

/**
 * Takes over the streams of all connections. grpc-js keeps managing the connections (age, pings, GOAWAY). Call it
 * before the server gets its first connection.
 *
 * @param onSession called with the HTTP/2 session of each connection
 * @throws Error if grpc-js has changed and serves its streams in another way
 */
export function takeOverStreams(
  server: Server,
  serve: StreamHandler,
  onSession: (session: Http2Session) => void,
): void {
  const internals = server as unknown as Internals;
  for (const name of ["_streamHandler", "_sessionHandler", "_runHandlerForCall"] as const) {
    if (typeof internals[name] !== "function") throw moved(name);
  }
  if (!(internals.handlers instanceof Map)) throw moved("handlers");
  const methods: GrpcJsMethods = {
    find: (path) => internals.handlers.get(path),
    run: (handler, call) => void internals._runHandlerForCall(call, handler),
  };
  const sessionHandler = internals._sessionHandler;
  internals._sessionHandler = (http2Server) => {
    const keep = sessionHandler.call(server, http2Server);
    return (session) => {
      keep(session);
      onSession(session);
    };
  };
  internals._streamHandler = (_extraInterceptors, stream, headers) => serve(stream, headers, methods);
}

/**
 * Lifts node:http2's limit of cancelled calls per connection, which closes connections without logging and cannot
 * exempt sidecars; ResetLimit counts instead. Call it before the server gets its first connection.
 *
 * @throws Error if grpc-js has changed and keeps its HTTP/2 options elsewhere
 */
export function liftResetLimit(server: Server): void {
  const { commonServerOptions } = server as unknown as Internals;
  if (typeof commonServerOptions !== "object") throw moved("commonServerOptions");
  commonServerOptions.streamResetBurst = unlimited;
  commonServerOptions.streamResetRate = unlimited;
}

const unlimited = 2 ** 31 - 1;

function moved(name: string): Error {
  return new Error(`@grpc/grpc-js no longer has ${name}: see grpc-js-internals.ts`);
}
