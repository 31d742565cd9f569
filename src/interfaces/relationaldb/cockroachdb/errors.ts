import { DomainError, invalidField } from "../../../domain/errors.ts";
import { TimeLimitExceededError } from "../../../infrastructure/db/budget.ts";
import { serviceAccountsTable } from "../../../infrastructure/db/schema/service-accounts-table.ts";
import { usersTable } from "../../../infrastructure/db/schema/users-table.ts";
import {
  databaseError,
  isConnectionLoss,
  serverFailure,
  sqlState,
} from "../../../infrastructure/db/sql-state.ts";
import { AmbiguousCommitError } from "../../../infrastructure/db/unit-of-work.ts";

const retryAfterMs = 1_000;

/**
 * Translates an error of the database into a domain error; returns unknown errors unchanged. Uses only constraint
 * names, because CockroachDB reports neither table nor column.
 * @param answers whether the database has answered any query in the meantime; if so, a timeout is not an outage
 */
export function toDomainError(error: unknown, answers: boolean): unknown {
  if (error instanceof AmbiguousCommitError) {
    return new DomainError(
      "OUTCOME_UNKNOWN",
      "the outcome is unknown: the change may or may not have been made",
      { cause: error },
    );
  }
  const { code, constraint } = databaseError(error) ?? {};
  switch (code) {
    case sqlState.uniqueViolation:
      return taken(constraint, error) ?? error;
    case sqlState.characterNotInRepertoire:
    case sqlState.untranslatableCharacter:
      return invalidField("INVALID_REQUEST", "request", "contains text that the database cannot store");
    case sqlState.serializationFailure:
    case sqlState.deadlockDetected:
    case sqlState.queryCanceled:
      return contention(error);
    case sqlState.statementCompletionUnknown:
    case sqlState.tooManyConnections:
      return unavailable(error);
    default:
      if (isConnectionLoss(error)) return unavailable(error);
      if (!(error instanceof TimeLimitExceededError)) return failureOfServer(error) ?? error;
      return answers && !isConnectionLoss(error.cause) ? contention(error) : unavailable(error);
  }
}

function failureOfServer(cause: unknown): DomainError | undefined {
  switch (serverFailure(cause)) {
    case "read-only":
      return readOnly(cause);
    case "unavailable":
      return new DomainError("DATABASE_UNAVAILABLE", "the database failed; see the service's log", {
        cause,
        retryAfterMs,
      });
    case undefined:
      return undefined;
  }
}

/** The error if the database refuses all changes. */
export function readOnly(cause?: unknown): DomainError {
  return new DomainError("DATABASE_READ_ONLY", "the database is read-only; retry when it accepts writes", {
    cause,
    retryAfterMs,
  });
}

function taken(constraint: string | undefined, cause: unknown): DomainError | undefined {
  switch (constraint) {
    case usersTable.constraints.emailKey:
      return new DomainError("EMAIL_TAKEN", "another user has this email", { cause });
    case usersTable.constraints.usernameKey:
      return new DomainError("USERNAME_TAKEN", "another user has this username", { cause });
    case serviceAccountsTable.constraints.name:
      return new DomainError("SERVICE_ACCOUNT_NAME_TAKEN", "another service account has this name", {
        cause,
      });
    default:
      return undefined;
  }
}

function contention(cause: unknown): DomainError {
  return new DomainError(
    "CONTENTION",
    "the database did not finish in time because of concurrent changes to the same data; retry the call",
    {
      cause,
      retryAfterMs,
    },
  );
}

function unavailable(cause: unknown): DomainError {
  return new DomainError("DATABASE_UNAVAILABLE", "the database cannot be reached", { cause, retryAfterMs });
}
