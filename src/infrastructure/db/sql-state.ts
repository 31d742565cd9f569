import pg from "pg";
import { BackendTerminatedError, ConnectionError } from "slonik";

/** The SQLSTATEs that the code handles (PostgreSQL appendix A; CockroachDB uses the same). */
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

/** The server's own error inside an error of Slonik or the driver; undefined if there is none. */
export function databaseError(error: unknown): pg.DatabaseError | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof pg.DatabaseError) return current;
  }
  return undefined;
}

/** Whether a connection could not be made or was lost. Statements sent on it may or may not have taken effect. */
export function isConnectionLoss(error: unknown): boolean {
  return error instanceof BackendTerminatedError || error instanceof ConnectionError;
}

/** Why a reachable server does not execute statements. */
export type ServerFailure = "read-only" | "unavailable";

/**
 * Conditions of the server or of the role's rights that are not the statement's fault:
 * - class 53: disk full, out of memory, too many connections, a configured limit
 * - class 57: intervention by an operator or a shutdown
 * - class 58: I/O errors; an unavailable range of CockroachDB
 * - 25P03, 25P04: the server ended an idle session, or a transaction that took too long
 * - 42501, 42P01, 3F000: missing rights. Without USAGE on a schema, PostgreSQL reports its tables as undefined
 * - XX001, XX002: corrupted data or index. XXC02: CockroachDB limits transactions for lack of a license
 */
const serverFailures = /^(53...|57...|58...|25P0[34]|42501|42P01|3F000|XX00[12]|XXC02)$/;

/** The server failure that an error reports; undefined for errors of a statement or its values. */
export function serverFailure(error: unknown): ServerFailure | undefined {
  const code = databaseError(error)?.code ?? "";
  if (code === sqlState.readOnlyTransaction || isStandbyRefusal(error)) return "read-only";
  return serverFailures.test(code) ? "unavailable" : undefined;
}

/** Whether the server reported that it is shutting down, or refused a connection for that reason. */
export function isShutdown(error: unknown): boolean {
  return /^57P0[123]$/.test(databaseError(error)?.code ?? "");
}

/**
 * Whether a hot standby rejected a SERIALIZABLE transaction, as it does with every statement of this service. The
 * SQLSTATE is also that of stale plans, so this checks the function that raised the error: unlike the message, its
 * name is not translated.
 */
export function isStandbyRefusal(error: unknown): boolean {
  const { code, routine } = databaseError(error) ?? {};
  return code === sqlState.featureNotSupported && routine === "GetSerializableTransactionSnapshot";
}
