import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { defaultDiscardLimits, type RequestBody } from "./request-body.ts";

/** How long a caller that sends on is listened to after its answer: a reset would take the answer away from it. */
const lingerMs = 1_000;

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
  lingerOn(request.socket, request);
}

/** Node ends such a connection by `destroySoon`, which resets it if there is something to read. */
function lingerOn(socket: Socket, request: IncomingMessage): void {
  socket.destroySoon = () => {
    request.resume();
    socket.end();
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    socket.once("close", () => clearTimeout(timer));
  };
}
