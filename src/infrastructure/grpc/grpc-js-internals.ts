import { constants, type ServerHttp2Stream } from "node:http2";
import type { ConnectError } from "@connectrpc/connect";
import type { Server, ServerInterceptingCallInterface, ServerWritableStream } from "@grpc/grpc-js";
import type { Peer } from "../../domain/caller/peer.ts";
import { peerOfSession } from "../peer.ts";
import { errorStatus } from "./grpc-status.ts";

// All that we reach into of @grpc/grpc-js beyond its API. Each has a test that fails when a new version moves it.

/**
 * Stops grpc-js's own timer for a call's deadline, which would answer before anybody is told, without error details;
 * the call keeps its deadline itself.
 */
export function disarmDeadline(call: ServerInterceptingCallInterface): void {
  clearTimeout((call as { deadlineTimer?: NodeJS.Timeout }).deadlineTimer);
}

/**
 * Whether the call has been reset, or its connection has broken. grpc-js reports that as the end of the request first,
 * and as a cancellation only afterwards: half an upload would pass for a whole one. (Where the caller is a node:http2
 * client that cancels, it still does: such a client ends the request properly and resets it a moment later.)
 */
export function wasReset(call: ServerInterceptingCallInterface): boolean {
  return (call as { stream?: { closed?: boolean } }).stream?.closed === true;
}

/**
 * Closes the stream of a call that has been answered where its caller does not: one that never ends its request, or
 * never reads its answer. grpc-js keeps such a stream, and what it holds, for as long as the connection lives.
 */
export function closeWithin(call: ServerInterceptingCallInterface, ms: number): void {
  const { stream } = call as { stream?: ServerHttp2Stream };
  if (stream === undefined || stream.closed) {
    return;
  }
  const timer = setTimeout(() => {
    stream.close(stream.writableFinished ? constants.NGHTTP2_NO_ERROR : constants.NGHTTP2_CANCEL);
  }, ms);
  stream.once("close", () => clearTimeout(timer));
}

const nobody: Peer = { address: "", certificate: undefined };

/** Who is at the other end of a call's connection. */
export function peerOfCall(call: ServerInterceptingCallInterface): Peer {
  const session = (call as { stream?: ServerHttp2Stream }).stream?.session;
  return session === undefined || session.destroyed ? nobody : peerOfSession(session);
}

/** Who is at the other end of the connection of a stream of grpc-js's own. */
export function peerOfStream(stream: object): Peer {
  const { call } = stream as {
    call?: { nextCall?: ServerInterceptingCallInterface } & ServerInterceptingCallInterface;
  };
  return call === undefined ? nobody : peerOfCall(call.nextCall ?? call);
}

interface Internals {
  _retrieveHandler(path: string | undefined): unknown;
  commonServerOptions: { streamResetBurst?: number; streamResetRate?: number };
}

/**
 * Sets node:http2's limits of cancelled calls per connection, which grpc-js has no option for. To be called before the
 * server gets its first connection.
 *
 * @throws Error when grpc-js has changed and keeps its HTTP/2 options elsewhere
 */
export function limitResets(server: Server, burst: number, perSecond: number): void {
  const { commonServerOptions } = server as unknown as Internals;
  if (typeof commonServerOptions !== "object") {
    throw new Error("@grpc/grpc-js has no commonServerOptions any more: see grpc-js-internals.ts");
  }
  commonServerOptions.streamResetBurst = burst;
  commonServerOptions.streamResetRate = perSecond;
}

/**
 * Answers calls of methods that do not exist. grpc-js has no place for that: it sends UNIMPLEMENTED itself, before any
 * interceptor, without details, and with the path in a header as it came. So the lookup gets a last resort.
 *
 * @throws Error when grpc-js has changed and has no such lookup
 */
export function answerUnknownMethods(server: Server, unknownMethod: (path: string) => ConnectError): void {
  const internals = server as unknown as Internals;
  const retrieve = internals._retrieveHandler;
  if (typeof retrieve !== "function") {
    throw new Error("@grpc/grpc-js has no _retrieveHandler any more: see grpc-js-internals.ts");
  }
  internals._retrieveHandler = (path) =>
    retrieve.call(server, path) ?? unknownHandler(path ?? "", unknownMethod);
}

/** Shaped as an entry of grpc-js's table of handlers; a "bidi" one is called with the headers, before any message. */
function unknownHandler(path: string, unknownMethod: (path: string) => ConnectError): unknown {
  return {
    type: "bidi",
    path,
    serialize: asIs,
    deserialize: asIs,
    func: (call: ServerWritableStream<never, never>) => {
      call.emit("error", errorStatus(unknownMethod(path)));
    },
  };
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}
