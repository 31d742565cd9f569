import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

/** A document to serve. */
export interface HttpDocument {
  readonly contentType: string;
  readonly body: string;
  /** How long caches may keep it, in seconds (RFC 9111 §5.2.2.1). */
  readonly maxAgeSeconds: number;
}

/** Whether a request is a GET or HEAD. If not, it is answered with 405. */
export function isRead({ method }: IncomingMessage, response: ServerResponse): boolean {
  if (method === "GET" || method === "HEAD") return true;
  response.writeHead(405, { allow: "GET, HEAD" }).end();
  return false;
}

/**
 * Answers GET and HEAD for a document, with an entity tag of its content, and 304 if the client has it already (RFC
 * 9110 §13.1.2).
 */
export function serveDocument(
  request: IncomingMessage,
  response: ServerResponse,
  document: HttpDocument,
): void {
  if (!isRead(request, response)) return;
  const { contentType, body, maxAgeSeconds } = document;
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  const headers = { etag, "cache-control": `public, max-age=${maxAgeSeconds}` };
  if (isKnown(request.headers["if-none-match"], etag)) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, {
    ...headers,
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    "x-content-type-options": "nosniff",
  });
  response.end(body);
}

function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
}
