import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";

/**
 * An error that a listener returns before a handler is reached. Interceptors turn its reason into an ErrorInfo, as they
 * do for domain errors.
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

/** The same error with its reason as an ErrorInfo, for methods without interceptors that translate errors. */
export function withErrorInfo(error: ConnectError): ConnectError {
  if (!(error instanceof ListenerError)) return error;
  const details = [{ desc: ErrorInfoSchema, value: { reason: error.reason, domain: "auth" } }];
  return new ConnectError(error.rawMessage, error.code, undefined, details);
}

/** A request that violates the gRPC protocol. The message is for the developer of the client. */
export function protocolError(code: Code, message: string): ListenerError {
  return new ListenerError("PROTOCOL_ERROR", code, message);
}

/** A call that cannot be read now, because other calls have used up the limit of unread bytes. */
export function overloaded(): ListenerError {
  const message = "too many unread bytes; retry later";
  return new ListenerError("OVERLOADED", Code.ResourceExhausted, message, 1_000);
}
