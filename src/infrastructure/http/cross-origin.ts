import type { IncomingMessage, ServerResponse } from "node:http";
import { type ConnectError, cors } from "@connectrpc/connect";
import { errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { isInvalidAuthority, isLoopbackAuthority, originOf } from "./authority.ts";

/** Cross-origin rules for web pages. */
export interface CrossOriginOptions {
  /** Origins whose pages may call, as browsers send them. */
  readonly allowedOrigins: ReadonlySet<string>;
  /**
   * Whether anonymous callers may do everything. Then pages of other origins are refused, and so are hosts that are not
   * loopback, because a page can point its own name at 127.0.0.1 (DNS rebinding).
   */
  readonly anonymous: boolean;
  /** Creates the error for a refused call. */
  readonly refusal: (reason: CrossOriginReason, message: string) => ConnectError;
}

export type CrossOriginReason = "HOST_NOT_ALLOWED" | "ORIGIN_NOT_ALLOWED";

interface Refusal {
  readonly reason: CrossOriginReason;
  readonly message: string;
}

const allowedHeaders = [...cors.allowedHeaders, "Authorization", "X-Request-Id"].join(", ");
const allowedMethods = cors.allowedMethods.join(", ");
const exposedHeaders = cors.exposedHeaders.join(", ");
/** Seconds. Browsers cache the response to a preflight for at most two hours. */
const preflightMaxAge = "7200";

/** Lets pages of every origin read the response. For public documents. */
export function allowEveryOrigin(response: ServerResponse): void {
  response.setHeader("access-control-allow-origin", "*");
}

/**
 * Prepares the response to a call: caches never store it, and pages of allowed origins may read it.
 * @returns a function that sends the response if the request is refused or a preflight, else undefined
 */
export function checkOrigin(
  request: IncomingMessage,
  response: ServerResponse,
  options: CrossOriginOptions | undefined,
): (() => void) | undefined {
  response.setHeader("cache-control", "no-store");
  if (options === undefined) return undefined;
  const { allowedOrigins, anonymous, refusal } = options;
  const { origin } = request.headers;
  if (allowedOrigins.size > 0) response.setHeader("vary", "Origin");
  const isAllowed = origin !== undefined && allowedOrigins.has(origin);
  if (isAllowed) {
    response.setHeader("access-control-allow-origin", origin);
    response.setHeader("access-control-expose-headers", exposedHeaders);
  }
  const refused = isAllowed ? undefined : refusalOf(request, anonymous);
  if (refused !== undefined) {
    return () => sendRefusal(response, refusal(refused.reason, refused.message));
  }
  return isAllowed && isPreflight(request) ? () => sendPreflight(request, response) : undefined;
}

function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
}

const foreignOrigin: Refusal = {
  reason: "ORIGIN_NOT_ALLOWED",
  message: "the origin is not allowed; add it to AUTH_CORS_ORIGINS",
};
const foreignHost: Refusal = {
  reason: "HOST_NOT_ALLOWED",
  message:
    "the host is not loopback, and AUTH_CALLERS=anyone serves only loopback; use localhost or set AUTH_CALLERS=known",
};

/** Sec-Fetch-Site values of requests that do not come from another site's page (Fetch Metadata §2.3). */
const allowedFetchSites: ReadonlySet<unknown> = new Set([undefined, "same-origin", "same-site", "none"]);

function refusalOf(request: IncomingMessage, anonymous: boolean): Refusal | undefined {
  const { origin, host } = request.headers;
  if (isPreflight(request) && origin !== undefined) return foreignOrigin;
  if (!anonymous || isInvalidAuthority(host)) return undefined;
  if (!isFromUnixSocket(request) && !isLoopbackAuthority(host)) return foreignHost;
  if (!allowedFetchSites.has(request.headers["sec-fetch-site"])) return foreignOrigin;
  return origin === undefined || origin === ownOrigin(request) ? undefined : foreignOrigin;
}

/** Browsers cannot open a Unix socket, and its clients send arbitrary hosts. */
function isFromUnixSocket({ socket }: IncomingMessage): boolean {
  return socket.remoteAddress === undefined && !socket.destroyed;
}

function ownOrigin({ socket, headers }: IncomingMessage): string | undefined {
  return originOf("encrypted" in socket ? "https" : "http", headers.host);
}

function sendPreflight({ headers }: IncomingMessage, response: ServerResponse): void {
  response.setHeader("vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
  response.setHeader("access-control-allow-methods", allowedMethods);
  response.setHeader("access-control-allow-headers", allowedHeaders);
  response.setHeader("access-control-max-age", preflightMaxAge);
  // Browsers send this when a page of a public site calls a private address.
  if (headers["access-control-request-private-network"] === "true") {
    response.setHeader("access-control-allow-private-network", "true");
  }
  response.writeHead(204).end();
}

function sendRefusal(response: ServerResponse, error: ConnectError): void {
  const body = errorToJsonBytes(error, undefined);
  response.writeHead(403, { "content-type": "application/json", "content-length": body.length });
  response.end(body);
}
