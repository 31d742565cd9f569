import type { DomainError, Reason } from "../errors.ts";

/** A row of an import that was not taken, and why. */
export interface RefusedRow {
  /** Its place in its batch, 0 for the first. */
  readonly row: number;
  readonly reason: Reason;
  /** A sentence for people. Nothing of a password hash. */
  readonly message: string;
}

/** So that the answer to a whole stream of rows that are refused is no larger than a caller takes. */
const longestMessage = 200;

export function refusedRow(row: number, { reason, message }: DomainError): RefusedRow {
  return { row, reason, message: storable(message.slice(0, longestMessage)) };
}

/** PostgreSQL's jsonb accepts neither NUL nor half a surrogate pair, and a message quotes keys of attributes. */
function storable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\ufffd");
}
