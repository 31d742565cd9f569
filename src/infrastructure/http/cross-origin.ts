import type { IncomingMessage, ServerResponse } from "node:http";
import { type ConnectError, cors } from "@connectrpc/connect";
import { errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { isLoopbackAuthority, isNoAuthority, originOf } from "./authority.ts";

/** What web pages may do. */
export interface CrossOriginOptions {
  /** Origins whose pages may call, as browsers send them. */
  readonly allowedOrigins: ReadonlySet<string>;
  /**
   * Whether everybody who can connect may do everything. Then the pages of other origins are refused, and so are hosts
   * that are not loopback: a page can give its own name the address 127.0.0.1 (DNS rebinding).
   */
  readonly anonymous: boolean;
  /** The error for a call that is refused. */
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
/** Seconds. Browsers keep the answer to a preflight for two hours at most. */
const preflightMaxAge = "7200";

/** Public documents, which every page may read. */
export function allowEveryOrigin(response: ServerResponse): void {
  response.setHeader("access-control-allow-origin", "*");
}

/**
 * Prepares the answer to a call: it is never stored by a cache, and the pages of allowed origins may read it.
 * @returns what sends the answer if the request is refused or a preflight, else undefined
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

/** What browsers say of a request that no page of this origin makes (Fetch Metadata §2.3). */
const ownSites: ReadonlySet<unknown> = new Set([undefined, "same-origin", "same-site", "none"]);

function refusalOf(request: IncomingMessage, anonymous: boolean): Refusal | undefined {
  const { origin, host } = request.headers;
  if (isPreflight(request) && origin !== undefined) return foreignOrigin;
  if (!anonymous || isNoAuthority(host)) return undefined;
  if (!isFromUnixSocket(request) && !isLoopbackAuthority(host)) return foreignHost;
  if (!ownSites.has(request.headers["sec-fetch-site"])) return foreignOrigin;
  return origin === undefined || origin === ownOrigin(request) ? undefined : foreignOrigin;
}

/** Browsers cannot open one, and clients of one send any host. */
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
  // Asked by browsers when a page of a public site calls a private address.
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
