import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { defaultDiscardLimits, type RequestBody } from "./request-body.ts";

/** A reset can destroy the response for a caller that is still sending, so its connection stays open this long. */
const linger = { bytes: 64 * 1024, ms: 1_000 };

/**
 * Call this before a request is answered, whatever the response is. It discards the rest of the body, which precedes
 * the next request. If too much of it is left, the response announces that the connection closes.
 */
export async function endRequest(
  body: RequestBody,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.readableEnded || (await body.discard(defaultDiscardLimits)) || response.headersSent) return;
  response.setHeader("connection", "close");
  lingerOn(request.socket, body);
}

/** Node ends such a connection with `destroySoon`, which resets it if unread data is left. */
function lingerOn(socket: Socket, body: RequestBody): void {
  socket.destroySoon = () => {
    socket.end();
    void body.drop(linger);
    const timer = setTimeout(() => socket.destroy(), linger.ms);
    socket.once("close", () => clearTimeout(timer));
  };
}
