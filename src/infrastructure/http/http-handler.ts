import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { Code, ConnectError, type ConnectRouter, type Interceptor } from "@connectrpc/connect";
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { keepDeadline, keepDeadlineOfInterceptors } from "./keep-deadline.ts";
import { limitTimeout } from "./limit-timeout.ts";

/** What the HTTP port answers with. */
export interface HttpHandlerOptions {
  readonly routes: (router: ConnectRouter) => unknown;
  /** Outermost first. */
  readonly interceptors: readonly Interceptor[];
  /** Whether the process is to be left alone (`/livez`), and whether to be given work (`/readyz`). */
  readonly live: () => boolean;
  readonly ready: () => boolean;
  /** The error for a path that does not exist. The path is as the caller sent it, without the query. */
  readonly unknownMethod: (path: string) => ConnectError;
  readonly maxTimeoutMs: number;
  readonly maxMessageBytes: number;
}

/** Connect, gRPC-Web and JSON for the routes, and the two probes. Never throws, whatever the request is. */
export function httpHandler(options: HttpHandlerOptions): RequestListener {
  const rpc = connectNodeAdapter({
    routes: (router) => void options.routes(router),
    interceptors: [keepDeadlineOfInterceptors(), ...options.interceptors, keepDeadline()],
    readMaxBytes: options.maxMessageBytes,
    // gRPC has its own port. Over HTTP/1.1, which has no trailers to speak of, it would only half work.
    grpc: false,
    fallback: (request, response) => {
      const error = options.unknownMethod(pathOf(request.url));
      sendError(response as ServerResponse, error, 404);
    },
  });
  const probes = new Map([
    ["/livez", options.live],
    ["/readyz", options.ready],
  ]);
  return (request, response) => {
    const probe = probes.get(pathOf(request.url));
    if (probe !== undefined) {
      answerProbe(request, response, probe);
      return;
    }
    limitTimeout(request, options.maxTimeoutMs);
    try {
      rpc(request, response);
    } catch {
      // Without this, one request with `Host: a|b` would end the process: the adapter builds a URL from it, outside
      // of any promise.
      sendError(response, new ConnectError("the request has no usable host", Code.InvalidArgument));
    }
  };
}

function pathOf(url: string | undefined): string {
  return url?.split("?", 1)[0] ?? "";
}

function answerProbe(request: IncomingMessage, response: ServerResponse, probe: () => boolean): void {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { allow: "GET, HEAD" }).end();
    return;
  }
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
