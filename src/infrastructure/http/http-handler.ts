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
import { UnreadBytes } from "../sockets/unread-bytes.ts";
import { peerOf } from "../tls/peer.ts";
import { allowEveryOrigin, type CrossOriginOptions, checkOrigin } from "./cross-origin.ts";
import { endRequest } from "./end-request.ts";
import { keepDeadline, keepDeadlineOfInterceptors } from "./keep-deadline.ts";
import { receiveRequests, sourceKey } from "./receive-requests.ts";
import { RequestBody } from "./request-body.ts";
import { compressions, type Framing, readRequestHead } from "./request-head.ts";
import { type HttpDocument, isRead, serveDocument } from "./serve-document.ts";

/** What the HTTP port serves. */
export interface HttpHandlerOptions {
  readonly routes: (router: ConnectRouter) => unknown;
  /** Outermost first. */
  readonly interceptors: readonly Interceptor[];
  /** Called before the body of a call is read. If absent, every call is admitted. */
  readonly admit?: Admit | undefined;
  /** Creates the initial context values of a call. Empty if absent. */
  readonly contextOf?: ((peer: Peer) => ContextValues) | undefined;
  /** Whether the process works (`/livez`), and whether to send it requests (`/readyz`). */
  readonly live: () => boolean;
  readonly ready: () => boolean;
  /** Additional lines of `/readyz`: why the service is not ready, or warnings although it is. Without secrets. */
  readonly details?: (() => readonly string[]) | undefined;
  /** Other documents to serve, by path. */
  readonly documents?: ReadonlyMap<string, () => Promise<HttpDocument>> | undefined;
  /** Rules for web pages. If absent, nothing is refused and no other origin is allowed. */
  readonly crossOrigin?: CrossOriginOptions | undefined;
  /** Creates the error for an unknown path. The path is as the caller sent it, without the query. */
  readonly unknownMethod: (path: string) => ConnectError;
  /** Called with each error that is answered as "internal error", and the path of its method. */
  readonly report?: ((error: unknown, path: string) => void) | undefined;
  readonly maxTimeoutMs: number;
  /** Maximum duration of server-streaming calls. */
  readonly maxStreamMs: number;
  readonly maxMessageBytes: number;
  /** Limits the bytes held by incomplete requests; shared with the gRPC listener. Uses the default limits if absent. */
  readonly unread?: UnreadBytes | undefined;
  /** The types that a google.protobuf.Any may hold in JSON. */
  readonly registry?: Registry | undefined;
}

/**
 * Creates the handler that serves the routes over Connect, gRPC-Web and JSON, the two probes, and documents. The
 * handler never throws, whatever the request is.
 */
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
    // gRPC has its own port. It needs trailers, which HTTP/1.1 clients rarely support.
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

/** Node timers count milliseconds in 31 bits. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Answers calls with Connect's handlers, as Connect's Node adapter does. Errors outside the interceptors are reported
 * and answered here; the adapter prints them and leaves the caller without a response.
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
        // The error quotes a lone surrogate from the request, which gRPC-Web's percent-encoding cannot encode.
        sendError(response, new ConnectError("the request contains invalid Unicode", Code.InvalidArgument));
      } else {
        this.#options.report?.(error, handler.requestPath);
        sendError(response, new ConnectError("internal error", Code.Internal));
      }
    }
  }

  /** The call as Connect sees it: with an empty message, which `receiveRequests` replaces by the real ones. */
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

/** The body and URL of a request with one empty message. */
function emptyMessage(framing: Framing, isBinary: boolean, url: string): Pick<Call, "body" | "url"> {
  switch (framing) {
    case "query": {
      const { origin, pathname } = new URL(url);
      const query = isBinary ? "encoding=proto&message=" : "encoding=json&message=%7B%7D";
      return { url: `${origin}${pathname}?${query}`, body: createAsyncIterable([]) };
    }
    case "body":
      // Connect accepts JSON that is already parsed.
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

/** Sends an error in Connect's format. */
function sendError(
  response: ServerResponse,
  error: ConnectError,
  status: number = codeToHttpStatus(error.code),
): void {
  const body = errorToJsonBytes(error, undefined);
  response.writeHead(status, { "content-type": "application/json", "content-length": body.length });
  response.end(body);
}
