import pg from "pg";
import { BackendTerminatedError, ConnectionError } from "slonik";

/** The SQLSTATEs that we know what to do about (PostgreSQL appendix A; CockroachDB uses the same). */
export const sqlState = {
  featureNotSupported: "0A000",
  invalidTextRepresentation: "22P02",
  uniqueViolation: "23505",
  foreignKeyViolation: "23503",
  serializationFailure: "40001",
  statementCompletionUnknown: "40003",
  deadlockDetected: "40P01",
  tooManyConnections: "53300",
  duplicateObject: "42710",
  duplicateTable: "42P07",
  queryCanceled: "57014",
} as const;

/** The server's own error inside what Slonik or the driver threw, if it is one. */
export function databaseError(error: unknown): pg.DatabaseError | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof pg.DatabaseError) return current;
  }
  return undefined;
}

/** Whether a connection could not be made or was lost. What was sent on it may or may not have been done. */
export function isConnectionLoss(error: unknown): boolean {
  return error instanceof BackendTerminatedError || error instanceof ConnectionError;
}
