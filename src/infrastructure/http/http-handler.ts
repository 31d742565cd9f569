import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Registry } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ContextValues,
  createConnectRouter,
  type Interceptor,
} from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import type { Peer } from "../../domain/caller/peer.ts";
import type { Admit } from "../grpc/admit.ts";
import { peerOf } from "../peer.ts";
import { allowEveryOrigin, answerCrossOrigin, type CrossOriginOptions } from "./cross-origin.ts";
import { keepDeadline, keepDeadlineOfInterceptors } from "./keep-deadline.ts";
import { limitTimeout } from "./limit-timeout.ts";
import { type HttpDocument, isRead, serveDocument } from "./serve-document.ts";

/** What the HTTP port answers with. */
export interface HttpHandlerOptions {
  readonly routes: (router: ConnectRouter) => unknown;
  /** Outermost first. */
  readonly interceptors: readonly Interceptor[];
  /** Asked before the body of a call is read. Without it every call is admitted. */
  readonly admit?: Admit | undefined;
  /** What a call begins with, where not with nothing. */
  readonly contextOf?: ((peer: Peer) => ContextValues) | undefined;
  /** Whether the process is to be left alone (`/livez`), and whether to be given work (`/readyz`). */
  readonly live: () => boolean;
  readonly ready: () => boolean;
  /** What is served besides, by path. */
  readonly documents?: ReadonlyMap<string, () => Promise<HttpDocument>> | undefined;
  /** What web pages may do. Without it nothing is refused and no other origin is allowed. */
  readonly crossOrigin?: CrossOriginOptions | undefined;
  /** The error for a path that does not exist. The path is as the caller sent it, without the query. */
  readonly unknownMethod: (path: string) => ConnectError;
  /** Told of every error that leaves as "internal error", with the path of the method. */
  readonly report?: ((error: unknown, path: string) => void) | undefined;
  readonly maxTimeoutMs: number;
  /** Of calls whose answers are a stream to one request. */
  readonly maxStreamMs: number;
  readonly maxMessageBytes: number;
  /** The types that a google.protobuf.Any may hold in JSON. */
  readonly registry?: Registry | undefined;
}

/** Connect, gRPC-Web and JSON for the routes, the two probes, and documents. Never throws, whatever the request is. */
export function httpHandler(options: HttpHandlerOptions): RequestListener {
  const router = createConnectRouter({
    interceptors: [keepDeadlineOfInterceptors(), ...options.interceptors, keepDeadline()],
    readMaxBytes: options.maxMessageBytes,
    jsonOptions: options.registry === undefined ? {} : { registry: options.registry },
    acceptCompression: [compressionGzip, compressionBrotli],
    // gRPC has its own port. Over HTTP/1.1, which has no trailers to speak of, it would only half work.
    grpc: false,
  });
  options.routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const probes = new Map([
    ["/livez", options.live],
    ["/readyz", options.ready],
  ]);
  return (request, response) => {
    const path = pathOf(request.url);
    const probe = probes.get(path);
    if (probe !== undefined) {
      answerProbe(request, response, probe);
      return;
    }
    const document = options.documents?.get(path);
    if (document !== undefined) {
      allowEveryOrigin(response);
      void answerDocument(document, request, response, path, options.report);
      return;
    }
    if (answerCrossOrigin(request, response, options.crossOrigin)) return;
    const handler = handlers.get(path);
    if (handler === undefined) {
      sendError(response, options.unknownMethod(path), 404);
      return;
    }
    const { maxTimeoutMs, maxStreamMs } = options;
    limitTimeout(request, handler.method.methodKind === "server_streaming" ? maxStreamMs : maxTimeoutMs);
    void answer(handler, request, response, options);
  };
}

/**
 * Answers by a handler, as Connect's own adapter for Node does, but for what goes wrong outside of the interceptors: the
 * adapter prints it and leaves the caller without an answer.
 */
async function answer(
  handler: UniversalHandler,
  request: IncomingMessage,
  response: ServerResponse,
  { report, contextOf }: Pick<HttpHandlerOptions, "report" | "contextOf">,
): Promise<void> {
  let call: ReturnType<typeof universalRequestFromNodeRequest>;
  try {
    call = universalRequestFromNodeRequest(request, response, undefined, contextOf?.(peerOf(request.socket)));
  } catch {
    // With `Host: a|b` there is no URL to be made.
    sendError(response, new ConnectError("the request has no usable host", Code.InvalidArgument));
    return;
  }
  try {
    await universalResponseToNodeResponse(await handler(call), response);
  } catch (error) {
    if (response.headersSent || response.destroyed) {
      response.destroy();
    } else if (ConnectError.from(error).cause instanceof URIError) {
      // An error that quotes half a surrogate pair of the request, which gRPC-Web's percent-encoding cannot take.
      sendError(response, new ConnectError("the request has text that is no Unicode", Code.InvalidArgument));
    } else {
      report?.(error, handler.requestPath);
      sendError(response, new ConnectError("internal error", Code.Internal));
    }
  }
}

async function answerDocument(
  document: () => Promise<HttpDocument>,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  report: HttpHandlerOptions["report"],
): Promise<void> {
  try {
    serveDocument(request, response, await document());
  } catch (error) {
    report?.(error, path);
    sendError(response, new ConnectError("internal error", Code.Internal));
  }
}

function pathOf(url: string | undefined): string {
  return url?.split("?", 1)[0] ?? "";
}

function answerProbe(request: IncomingMessage, response: ServerResponse, probe: () => boolean): void {
  if (!isRead(request, response)) return;
  const [status, body] = probe() ? [200, "ok\n"] : [503, "not ready\n"];
  const headers = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" };
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) }).end(body);
}

/** An error in the form in which Connect sends it. */
function sendError(
  response: ServerResponse,
  error: ConnectError,
  status: number = codeToHttpStatus(error.code),
): void {
  const body = errorToJsonBytes(error, undefined);
  response.writeHead(status, { "content-type": "application/json", "content-length": body.length });
  response.end(body);
}
