/**
 * The kind of each reason. Reasons are API (proto/auth/v1/error_reason.proto). The kind determines what a caller can do
 * about the failure, and each transport maps kinds to its own codes with one exhaustive table.
 */
export const kindOfReason = {
  INVALID_REQUEST: "invalid",
  UNKNOWN_FIELD: "invalid",
  EMAIL_INVALID: "invalid",
  USERNAME_INVALID: "invalid",
  PASSWORD_UNACCEPTABLE: "invalid",
  PASSWORD_HASH_UNACCEPTABLE: "invalid",
  PAGE_TOKEN_INVALID: "invalid",
  UPDATE_MASK_INVALID: "invalid",
  SUSPENSION_IN_PAST: "invalid",
  AUDIENCE_UNKNOWN: "invalid",
  EXPIRY_IN_PAST: "invalid",
  ROLE_UNKNOWN: "invalid",
  CURSOR_INVALID: "invalid",
  USER_NOT_FOUND: "not-found",
  SESSION_NOT_FOUND: "not-found",
  SERVICE_ACCOUNT_NOT_FOUND: "not-found",
  SERVICE_ACCOUNT_KEY_NOT_FOUND: "not-found",
  SIGNING_KEY_NOT_FOUND: "not-found",
  USER_ID_TAKEN: "already-exists",
  EMAIL_TAKEN: "already-exists",
  USERNAME_TAKEN: "already-exists",
  SERVICE_ACCOUNT_NAME_TAKEN: "already-exists",
  TOO_MANY_KEYS: "failed-precondition",
  SERVICE_ACCOUNT_ROLE_UNKNOWN: "failed-precondition",
  USER_DELETED: "failed-precondition",
  USER_NOT_DELETED: "already-exists",
  ETAG_MISMATCH: "aborted",
  REQUEST_ID_REUSED: "failed-precondition",
  CURSOR_TOO_OLD: "failed-precondition",
  CREDENTIALS_INVALID: "unauthenticated",
  REFRESH_TOKEN_INVALID: "unauthenticated",
  CALLER_UNAUTHENTICATED: "unauthenticated",
  PERMISSION_DENIED: "permission-denied",
  OUT_OF_SCOPE: "permission-denied",
  OVERLOADED: "exhausted",
  TOO_MANY_ATTEMPTS: "exhausted",
  DATABASE_UNAVAILABLE: "unavailable",
  DATABASE_READ_ONLY: "unavailable",
  BREACH_CHECK_UNAVAILABLE: "unavailable",
  SHUTTING_DOWN: "unavailable",
  CONTENTION: "aborted",
  OUTCOME_UNKNOWN: "unknown-outcome",
  DEADLINE_EXCEEDED: "deadline-exceeded",
  CANCELLED: "cancelled",
} as const;

export type Reason = keyof typeof kindOfReason;
export type ErrorKind = (typeof kindOfReason)[Reason];
/** The reasons that concern fields of the request. */
export type InvalidReason = {
  [Each in Reason]: (typeof kindOfReason)[Each] extends "invalid" ? Each : never;
}[Reason];

/** An invalid field: its path in the API ("user.email") and a sentence for the caller's developer. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

export interface DomainErrorDetails {
  /** The invalid fields. */
  readonly violations?: readonly FieldViolation[];
  /** Milliseconds after which a retry may succeed, if waiting helps. */
  readonly retryAfterMs?: number;
  /** The underlying error. Logged at the edge, never sent. */
  readonly cause?: unknown;
}

type InvalidDetails = DomainErrorDetails & Required<Pick<DomainErrorDetails, "violations">>;

/** Number of violations that a message quotes. The error's details list the others. */
const quotedViolations = 5;

/**
 * An expected failure: a mistake of the caller, or a state that the caller must know about. The message is for the
 * caller's developer and contains no secrets and nothing about other users. Any other error that is thrown is a defect
 * and leaves the service as "internal error".
 */
export class DomainError extends Error {
  override readonly name = "DomainError";
  readonly reason: Reason;
  readonly kind: ErrorKind;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;

  /** Errors of kind "invalid" always name their fields: create them with `invalidField` or `invalidFields`. */
  constructor(reason: InvalidReason, message: string, details: InvalidDetails);
  constructor(reason: Exclude<Reason, InvalidReason>, message: string, details?: DomainErrorDetails);
  constructor(reason: Reason, message: string, details: DomainErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.reason = reason;
    this.kind = kindOfReason[reason];
    this.violations = details.violations ?? [];
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** A DomainError about one field. */
export function invalidField(reason: InvalidReason, field: string, description: string): DomainError {
  return invalidFields(reason, [{ field, description }]);
}

/** A DomainError about several fields. Its message quotes the first violations and counts the others. */
export function invalidFields(reason: InvalidReason, violations: readonly FieldViolation[]): DomainError {
  const quoted = violations
    .slice(0, quotedViolations)
    .map(({ field, description }) => `${field}: ${description}`);
  const others = violations.length - quoted.length;
  const sentences = others > 0 ? [...quoted, `and ${others} more`] : quoted;
  return new DomainError(reason, sentences.join("; "), { violations });
}
