import { constants, type Http2Session, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { ConnectError } from "@connectrpc/connect";
import type { Peer } from "../../domain/caller/peer.ts";
import { peerOfSession } from "../tls/peer.ts";
import type { ConnectBinding } from "./connect-binding.ts";
import { GrpcCall } from "./grpc-call.ts";
import { GrpcJsCall } from "./grpc-js-call.ts";
import type { GrpcJsMethods, StreamHandler } from "./grpc-js-internals.ts";
import { errorStatus, trailersOf } from "./grpc-status.ts";
import { GrpcWire, type WireOptions } from "./grpc-wire.ts";
import { type HttpRefusal, readRequestHead, refusalOf } from "./request-head.ts";
import type { ResetLimit } from "./reset-limit.ts";
import type { Turns } from "./turns.ts";

export interface ResetOptions {
  readonly resets: ResetLimit;
  /** Whether a peer may reset any number of calls. */
  readonly mayReset: (peer: Peer) => boolean;
  readonly onResetFlood: (peer: Peer) => void;
}

export interface ServeStreamsOptions extends WireOptions, ResetOptions {
  readonly binding: ConnectBinding;
  readonly turns: Turns;
  /** Creates the error for an unknown method. The path is as the caller sent it. */
  readonly unknownMethod: (path: string) => ConnectError;
}

/** Serves each stream: checks that it is a gRPC request, finds its method, and counts it if the caller resets it. */
export function serveStreams(options: ServeStreamsOptions): StreamHandler {
  return (stream, headers, grpcJs) => {
    // A stream error also ends the stream; nothing else remains to be done.
    stream.on("error", ignore);
    if (stream.closed || stream.destroyed) return;
    const refusal = refusalOf(headers);
    if (refusal === undefined) serve(stream, headers, grpcJs, options);
    else refuse(stream, refusal);
  };
}

function serve(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  grpcJs: GrpcJsMethods,
  options: ServeStreamsOptions,
): void {
  const head = readRequestHead(headers);
  const wire = new GrpcWire(stream, head, options);
  // A closed stream no longer has a session.
  const { session } = stream;
  stream.once("close", () => {
    if (!wire.isAnswered && session !== undefined) countReset(session, options);
  });
  const method = options.binding.find(head.path);
  if (method !== undefined) {
    const connection = session ?? stream;
    const call = new GrpcCall(wire, method, () => options.turns.trust(connection));
    call.listen();
    options.turns.take(connection, () => call.start());
    return;
  }
  const handler = grpcJs.find(head.path);
  if (handler !== undefined) grpcJs.run(handler, new GrpcJsCall(wire, handler));
  else wire.sendStatus(errorStatus(options.unknownMethod(head.path)));
}

function refuse(stream: ServerHttp2Stream, { status, code, message }: HttpRefusal): void {
  const trailers = trailersOf({ code, details: message });
  const headers = { ":status": status, "content-type": "application/grpc", ...trailers };
  stream.respond(status === 405 ? { ...headers, allow: "POST" } : headers, { endStream: true });
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
  stream.resume();
}

/** Counts calls that are cancelled before they can be served. */
export function watchResets(session: Http2Session, options: ResetOptions): void {
  session.on("stream", (stream: ServerHttp2Stream) => {
    if (stream.closed || stream.destroyed) countReset(session, options);
  });
}

function countReset(session: Http2Session, options: ResetOptions): void {
  if (session.destroyed || session.closed) return;
  const peer = peerOfSession(session);
  if (options.mayReset(peer) || options.resets.count(session)) return;
  session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  options.onResetFlood(peer);
}

function ignore(): void {}
