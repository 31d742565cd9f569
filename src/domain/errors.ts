/**
 * What kind of failure each reason is. The reasons are API (proto/auth/v1/error_reason.proto); the kinds are what a
 * caller can do about it, and each edge maps them to its own codes by one exhaustive table.
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
/** The reasons that are about fields of the request. */
export type InvalidReason = {
  [Each in Reason]: (typeof kindOfReason)[Each] extends "invalid" ? Each : never;
}[Reason];

/** One field that is wrong: its path in the API's words ("user.email") and a sentence for the caller's developer. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

export interface DomainErrorDetails {
  /** The invalid fields. */
  readonly violations?: readonly FieldViolation[];
  /** Milliseconds after which a repetition may succeed, where waiting helps. */
  readonly retryAfterMs?: number;
  /** What brought it about. Logged at the edge, never sent. */
  readonly cause?: unknown;
}

type InvalidDetails = DomainErrorDetails & Required<Pick<DomainErrorDetails, "violations">>;

/** Violations that a message quotes; the error's details list the others. */
const quotedViolations = 5;

/**
 * A failure that the service means: something a caller did, or a state that it has to know of. Its message is for the
 * caller's developer and holds no secret and nothing of another user's. Whatever is thrown and is no DomainError is a
 * defect and leaves the service as "internal error".
 */
export class DomainError extends Error {
  override readonly name = "DomainError";
  readonly reason: Reason;
  readonly kind: ErrorKind;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;

  /** An error of kind "invalid" always names its fields: make one with `invalidField` or `invalidFields`. */
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
