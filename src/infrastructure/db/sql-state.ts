import pg from "pg";
import { BackendTerminatedError, ConnectionError } from "slonik";

/** The SQLSTATEs that we know what to do about (PostgreSQL appendix A; CockroachDB uses the same). */
export const sqlState = {
  featureNotSupported: "0A000",
  invalidTextRepresentation: "22P02",
  characterNotInRepertoire: "22021",
  untranslatableCharacter: "22P05",
  uniqueViolation: "23505",
  foreignKeyViolation: "23503",
  serializationFailure: "40001",
  statementCompletionUnknown: "40003",
  deadlockDetected: "40P01",
  readOnlyTransaction: "25006",
  invalidSchemaName: "3F000",
  insufficientPrivilege: "42501",
  undefinedTable: "42P01",
  tooManyConnections: "53300",
  duplicateObject: "42710",
  duplicateTable: "42P07",
  queryCanceled: "57014",
  /** CockroachDB: a connection between two of its nodes failed. */
  internalConnectionFailure: "58C01",
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

/** Why a server that can be reached does not do its work. */
export type ServerFailure = "read-only" | "unavailable";

/**
 * Conditions of the server and of the role's rights, for which a statement is not to blame:
 * - class 53: disk full, out of memory, too many connections, a configured limit
 * - class 57: an operator or a shutdown intervened
 * - class 58: I/O errors; a range of CockroachDB that is not available
 * - 25P03, 25P04: the server ended a session that was idle, or a transaction that took too long
 * - 42501, 42P01, 3F000: missing rights. Without USAGE on a schema, PostgreSQL reports its tables as undefined
 * - XX001, XX002: corrupted data or index. XXC02: CockroachDB limits transactions for lack of a license
 */
const serverFailures = /^(53...|57...|58...|25P0[34]|42501|42P01|3F000|XX00[12]|XXC02)$/;

/** The failure of the server that an error reports, if it does. Errors of a statement or its values are none. */
export function serverFailure(error: unknown): ServerFailure | undefined {
  const code = databaseError(error)?.code ?? "";
  if (code === sqlState.readOnlyTransaction || isStandbyRefusal(error)) return "read-only";
  return serverFailures.test(code) ? "unavailable" : undefined;
}

/** Whether the server said that it stops, or does not let anybody in because it does. */
export function isShutdown(error: unknown): boolean {
  return /^57P0[123]$/.test(databaseError(error)?.code ?? "");
}

/**
 * Whether a hot standby refused a SERIALIZABLE transaction, which it does to every statement of ours. It shares its
 * SQLSTATE with stale plans; the name of the function that raised it is not translated, unlike the message.
 */
export function isStandbyRefusal(error: unknown): boolean {
  const { code, routine } = databaseError(error) ?? {};
  return code === sqlState.featureNotSupported && routine === "GetSerializableTransactionSnapshot";
}
