import type { Http2Session } from "node:http2";
import type { CloseReason } from "../open-connections.ts";

/** nghttp2's NGHTTP2_ERR_CALLBACK_FAILURE: what Node answers it with once it has refused 100 calls of a connection. */
const callbackFailure = -902;

/**
 * Why node:http2 itself has closed a connection, from the error that its session emits.
 *
 * @returns undefined where the other side has closed it, or it has broken
 */
function reasonOf({ code, errno }: NodeJS.ErrnoException): CloseReason | undefined {
  if (code === "ERR_HTTP2_ERROR" && errno === callbackFailure) return "too many concurrent calls";
  // ERR_HTTP2_SESSION_ERROR: the other side has sent GOAWAY with an error.
  if (code === undefined || code === "ERR_HTTP2_SESSION_ERROR") return undefined;
  return code.startsWith("ERR_HTTP2_") ? "HTTP/2 protocol error" : undefined;
}

/** Tells of each connection that node:http2 closes by its own limits and rules, about which it says nothing. */
export function watchErrors(session: Http2Session, onClose: (reason: CloseReason) => void): void {
  session.once("error", (error: NodeJS.ErrnoException) => {
    const reason = reasonOf(error);
    if (reason !== undefined) onClose(reason);
  });
}
