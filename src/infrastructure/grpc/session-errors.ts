import type { Http2Session } from "node:http2";
import type { CloseReason } from "../sockets/open-connections.ts";

/** nghttp2's NGHTTP2_ERR_CALLBACK_FAILURE, which Node returns once it has refused 100 calls of a connection. */
const callbackFailure = -902;

/**
 * Why node:http2 closed a connection, from the error that its session emits.
 *
 * @returns undefined if the peer closed the connection, or it broke
 */
function reasonOf({ code, errno }: NodeJS.ErrnoException): CloseReason | undefined {
  if (code === "ERR_HTTP2_ERROR" && errno === callbackFailure) return "too many concurrent calls";
  // ERR_HTTP2_SESSION_ERROR: the peer sent GOAWAY with an error.
  if (code === undefined || code === "ERR_HTTP2_SESSION_ERROR") return undefined;
  return code.startsWith("ERR_HTTP2_") ? "HTTP/2 protocol error" : undefined;
}

/** Reports each connection that node:http2 closes because of its own limits and rules, which Node does not log. */
export function watchErrors(session: Http2Session, onClose: (reason: CloseReason) => void): void {
  session.once("error", (error: NodeJS.ErrnoException) => {
    const reason = reasonOf(error);
    if (reason !== undefined) onClose(reason);
  });
}
