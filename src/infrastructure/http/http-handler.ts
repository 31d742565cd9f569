import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Registry } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ContextValues,
  createConnectRouter,
  createContextValues,
  type Interceptor,
} from "@connectrpc/connect";
import { createAsyncIterable, type UniversalHandler } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { Peer } from "../../domain/caller/peer.ts";
import type { Admit } from "../grpc/admit.ts";
import { peerOf } from "../peer.ts";
import { UnreadBytes } from "../unread-bytes.ts";
import { allowEveryOrigin, type CrossOriginOptions, checkOrigin } from "./cross-origin.ts";
import { endRequest } from "./end-request.ts";
import { keepDeadline, keepDeadlineOfInterceptors } from "./keep-deadline.ts";
import { receiveRequests, sourceKey } from "./receive-requests.ts";
import { RequestBody } from "./request-body.ts";
import { compressions, type Framing, readRequestHead } from "./request-head.ts";
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
  /** What `/readyz` adds, a line each: why the service is not ready, or what is wrong although it is. No secrets. */
  readonly details?: (() => readonly string[]) | undefined;
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
  /** What half-sent requests may hold, shared with the other listener. Its defaults if absent. */
  readonly unread?: UnreadBytes | undefined;
  /** The types that a google.protobuf.Any may hold in JSON. */
  readonly registry?: Registry | undefined;
}

/** Connect, gRPC-Web and JSON for the routes, the two probes, and documents. Never throws, whatever the request is. */
export function httpHandler(options: HttpHandlerOptions): RequestListener {
  const { admit, details = () => [], documents, live, ready, registry, report, unknownMethod } = options;
  const router = createConnectRouter({
    interceptors: [
      keepDeadlineOfInterceptors(),
      receiveRequests(admit),
      ...options.interceptors,
      keepDeadline(),
    ],
    acceptCompression: [...compressions],
    jsonOptions: registry === undefined ? {} : { registry },
    // gRPC has its own port. Over HTTP/1.1, which has no trailers to speak of, it would only half work.
    grpc: false,
  });
  options.routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const calls = new CallAnswerer(options);
  const probes = new Map<string, Probe>([
    ["/livez", { passes: live, details: () => [] }],
    ["/readyz", { passes: ready, details }],
  ]);
  return (request, response) => {
    const path = pathOf(request.url);
    const probe = probes.get(path);
    const document = documents?.get(path);
    const isCall = probe === undefined && document === undefined;
    const sendInstead = isCall ? checkOrigin(request, response, options.crossOrigin) : undefined;
    const handler = handlers.get(path);
    if (handler !== undefined && sendInstead === undefined) {
      void calls.answer(handler, request, response);
      return;
    }
    void endRequest(new RequestBody(request), request, response).then(() => {
      if (probe !== undefined) return answerProbe(request, response, probe);
      if (document !== undefined) return answerDocument(document, request, response, path, report);
      if (sendInstead !== undefined) return sendInstead();
      return sendError(response, unknownMethod(path), 404);
    });
  };
}

/** A timer of Node counts milliseconds in 31 bits. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Answers by a handler, as Connect's own adapter for Node does, but for what goes wrong outside of the interceptors: the
 * adapter prints it and leaves the caller without an answer.
 */
class CallAnswerer {
  readonly #options: HttpHandlerOptions;
  readonly #unread: UnreadBytes;

  constructor(options: HttpHandlerOptions) {
    this.#options = options;
    this.#unread = options.unread ?? new UnreadBytes();
  }

  async answer(handler: UniversalHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = new RequestBody(request);
    let call: Call;
    try {
      const values = this.#options.contextOf?.(peerOf(request.socket)) ?? createContextValues();
      call = universalRequestFromNodeRequest(request, response, undefined, values);
    } catch {
      // `Host: a|b` does not make a valid URL.
      await endRequest(body, request, response);
      sendError(response, new ConnectError("host: malformed", Code.InvalidArgument));
      return;
    }
    try {
      const answer = await handler(this.#withoutMessages(call, handler, request, response, body));
      await endRequest(body, request, response);
      await universalResponseToNodeResponse(answer, response);
    } catch (error) {
      if (response.headersSent || response.destroyed) {
        response.destroy();
        return;
      }
      await endRequest(body, request, response);
      if (ConnectError.from(error).cause instanceof URIError) {
        // An error that quotes half a surrogate pair of the request, which gRPC-Web's percent-encoding cannot take.
        sendError(response, new ConnectError("the request contains invalid Unicode", Code.InvalidArgument));
      } else {
        this.#options.report?.(error, handler.requestPath);
        sendError(response, new ConnectError("internal error", Code.Internal));
      }
    }
  }

  /** The call as Connect sees it: with a message that is empty, in whose place `receiveRequests` puts the real ones. */
  #withoutMessages(
    call: Call,
    { method }: UniversalHandler,
    request: IncomingMessage,
    response: ServerResponse,
    body: RequestBody,
  ): Call {
    const { maxTimeoutMs, maxStreamMs, maxMessageBytes, registry } = this.#options;
    const longestMs = method.methodKind === "server_streaming" ? maxStreamMs : maxTimeoutMs;
    const head = readRequestHead(call, method, Math.min(longestMs, longestTimerMs));
    if (head === undefined) return { ...call, body: createAsyncIterable([]) };
    const lease = this.#unread.open(request.socket);
    response.once("close", () => lease.release());
    const { url } = call;
    call.contextValues?.set(sourceKey, { head, method, url, body, lease, maxMessageBytes, registry });
    call.header.delete("content-length");
    return { ...call, ...emptyMessage(head.framing, head.isBinary, url) };
  }
}

type Call = ReturnType<typeof universalRequestFromNodeRequest>;

const emptyJson = new TextEncoder().encode("{}");
const emptyEnvelope = new Uint8Array(5);
const emptyJsonEnvelope = Uint8Array.from([0, 0, 0, 0, emptyJson.length, ...emptyJson]);

/** The body and URL of a request whose one message is empty. */
function emptyMessage(framing: Framing, isBinary: boolean, url: string): Pick<Call, "body" | "url"> {
  switch (framing) {
    case "query": {
      const { origin, pathname } = new URL(url);
      const query = isBinary ? "encoding=proto&message=" : "encoding=json&message=%7B%7D";
      return { url: `${origin}${pathname}?${query}`, body: createAsyncIterable([]) };
    }
    case "body":
      // Connect takes JSON that somebody else has parsed.
      return { url, body: isBinary ? createAsyncIterable([]) : {} };
    case "grpc-web-envelopes":
      return { url, body: createAsyncIterable([isBinary ? emptyEnvelope : emptyJsonEnvelope]) };
    case "connect-envelopes":
      return { url, body: createAsyncIterable([]) };
  }
}

async function answerDocument(
  document: () => Promise<HttpDocument>,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  report: HttpHandlerOptions["report"],
): Promise<void> {
  allowEveryOrigin(response);
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

interface Probe {
  readonly passes: () => boolean;
  readonly details: () => readonly string[];
}

function answerProbe(request: IncomingMessage, response: ServerResponse, { passes, details }: Probe): void {
  if (!isRead(request, response)) return;
  const [status, word] = passes() ? [200, "ok"] : [503, "not ready"];
  const body = [word, ...details()].map((line) => `${line}\n`).join("");
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
