import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { DomainError, type ErrorKind, type FieldViolation, type Reason } from "../../domain/errors.ts";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";
import { firstViolations, shortMessage } from "./error-size.ts";

/** Reasons of the transport, in addition to those of DomainErrors. proto/auth/v1/error_reason.proto has all of them. */
type EdgeReason =
  | Reason
  | "PROTOCOL_ERROR"
  | "MESSAGE_TOO_LARGE"
  | "METHOD_NOT_FOUND"
  | "ORIGIN_NOT_ALLOWED"
  | "HOST_NOT_ALLOWED"
  | "INTERNAL";

const codes: Record<ErrorKind, Code> = {
  invalid: Code.InvalidArgument,
  "not-found": Code.NotFound,
  "already-exists": Code.AlreadyExists,
  "failed-precondition": Code.FailedPrecondition,
  aborted: Code.Aborted,
  unauthenticated: Code.Unauthenticated,
  "permission-denied": Code.PermissionDenied,
  exhausted: Code.ResourceExhausted,
  unavailable: Code.Unavailable,
  "deadline-exceeded": Code.DeadlineExceeded,
  cancelled: Code.Canceled,
  "unknown-outcome": Code.Unknown,
};

/** The reasons of errors that the listeners throw, by code. */
const reasonsOfCodes: Partial<Record<Code, EdgeReason>> = {
  [Code.InvalidArgument]: "INVALID_REQUEST",
  [Code.DeadlineExceeded]: "DEADLINE_EXCEEDED",
  [Code.Canceled]: "CANCELLED",
  [Code.Unimplemented]: "METHOD_NOT_FOUND",
  [Code.ResourceExhausted]: "MESSAGE_TOO_LARGE",
};

/** A google.rpc.ErrorInfo of this service (AIP-193). */
export function errorInfo(
  reason: EdgeReason,
  metadata: Readonly<Record<string, string>> = {},
): MessageInitShape<typeof ErrorInfoSchema> {
  return { reason, domain: "auth", metadata };
}

/**
 * Translates an error for the caller: the code of its kind, always with ErrorInfo, with BadRequest for fields,
 * RetryInfo if waiting helps, and RequestInfo to find it in the log. An unknown error becomes "internal error", with
 * the error as `cause`, which is never sent. The trailers stay below 7 KiB for any request (error-size.ts).
 */
export function toConnectError(error: unknown, requestId: string): ConnectError {
  // A stack trace costs more than the rest of a refusal, and would only point here. The useful one is that of the
  // cause.
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return translated(error, requestId);
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function translated(error: unknown, requestId: string): ConnectError {
  const requestInfo = { desc: RequestInfoSchema, value: { requestId } };
  if (error instanceof DomainError) {
    const details = [...detailsOf(error), requestInfo];
    return new ConnectError(shortMessage(error.message), codes[error.kind], undefined, details, error);
  }
  if (isListenerError(error)) {
    const details = [...detailsOf(error), requestInfo];
    return new ConnectError(shortMessage(error.rawMessage), error.code, undefined, details, error);
  }
  const reason = error instanceof ConnectError ? reasonsOfCodes[error.code] : undefined;
  if (error instanceof ConnectError && reason !== undefined) {
    const details = [{ desc: ErrorInfoSchema, value: errorInfo(reason) }, requestInfo];
    return new ConnectError(shortMessage(error.rawMessage), error.code, undefined, details, error);
  }
  const details = [{ desc: ErrorInfoSchema, value: errorInfo("INTERNAL") }, requestInfo];
  return new ConnectError("internal error", Code.Internal, undefined, details, error);
}

/** An error that a listener returns before the handler is reached. */
export interface ListenerError extends ConnectError {
  readonly reason: "PROTOCOL_ERROR" | "OVERLOADED";
  readonly retryAfterMs: number | undefined;
}

export function isListenerError(error: unknown): error is ListenerError {
  return error instanceof ConnectError && "reason" in error;
}

/** The error for an unknown method. */
export function unknownMethod(path: string): ConnectError {
  return new ConnectError(shortMessage(`unknown method ${path}`), Code.Unimplemented, undefined, [
    { desc: ErrorInfoSchema, value: errorInfo("METHOD_NOT_FOUND") },
  ]);
}

/** The error for a cross-origin call that is not allowed. */
export function crossOriginRefusal(
  reason: "ORIGIN_NOT_ALLOWED" | "HOST_NOT_ALLOWED",
  message: string,
): ConnectError {
  return new ConnectError(message, Code.PermissionDenied, undefined, [
    { desc: ErrorInfoSchema, value: errorInfo(reason) },
  ]);
}

interface Detailed {
  readonly reason: EdgeReason;
  readonly violations?: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;
}

function detailsOf({ reason, violations = [], retryAfterMs }: Detailed) {
  return [
    ...(violations.length > 0
      ? violationDetails(reason, violations)
      : [{ desc: ErrorInfoSchema, value: errorInfo(reason) }]),
    ...(retryAfterMs === undefined
      ? []
      : [{ desc: RetryInfoSchema, value: { retryDelay: durationFromMs(retryAfterMs) } }]),
  ];
}

/** The first violations, with the number of omitted ones in `ErrorInfo.metadata`. */
function violationDetails(reason: EdgeReason, violations: readonly FieldViolation[]) {
  const fieldViolations = firstViolations(violations);
  const omitted = violations.length - fieldViolations.length;
  const metadata = omitted > 0 ? { omittedViolations: String(omitted) } : {};
  return [
    { desc: ErrorInfoSchema, value: errorInfo(reason, metadata) },
    { desc: BadRequestSchema, value: { fieldViolations } },
  ];
}
