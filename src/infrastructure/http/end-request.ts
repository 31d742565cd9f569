import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { defaultDiscardLimits, type RequestBody } from "./request-body.ts";

/** A reset can take the answer away from a caller that sends on. So its connection stays open for a moment. */
const linger = { bytes: 64 * 1024, ms: 1_000 };

/**
 * To be called before a request is answered, whatever the answer is. The rest of the body is discarded, because the next
 * request comes behind it; if there is too much of it, the answer says that the connection is closed.
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

/** Node ends such a connection by `destroySoon`, which resets it if there is something to read. */
function lingerOn(socket: Socket, body: RequestBody): void {
  socket.destroySoon = () => {
    socket.end();
    void body.drop(linger);
    const timer = setTimeout(() => socket.destroy(), linger.ms);
    socket.once("close", () => clearTimeout(timer));
  };
}
