import { Code, ConnectError } from "@connectrpc/connect";

/**
 * An error that a listener answers a call with before its handler is reached. The interceptors turn its reason into an
 * ErrorInfo, as they do for errors of the domain.
 */
export class ListenerError extends ConnectError {
  readonly reason: "PROTOCOL_ERROR" | "OVERLOADED";
  readonly retryAfterMs: number | undefined;

  constructor(reason: ListenerError["reason"], code: Code, message: string, retryAfterMs?: number) {
    super(message, code);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A request that breaks the gRPC protocol. The message is for the developer of the client. */
export function protocolError(code: Code, message: string): ListenerError {
  return new ListenerError("PROTOCOL_ERROR", code, message);
}

/** A call that cannot be read now, because other calls hold all the bytes that may be held. */
export function overloaded(): ListenerError {
  const message = "too many unread bytes; try again later";
  return new ListenerError("OVERLOADED", Code.ResourceExhausted, message, 1_000);
}
