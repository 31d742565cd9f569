import type { DomainError, Reason } from "../errors.ts";
import { firstBytes } from "../storable-text.ts";

/** A row of an import that was not taken, and why. */
export interface RefusedRow {
  /** Its place in its batch, 0 for the first. */
  readonly row: number;
  readonly reason: Reason;
  /** A sentence for people. Nothing of a password hash. */
  readonly message: string;
}

/** So that the answer to a whole stream of rows that are refused is no larger than a caller takes. */
const longestMessageBytes = 200;

export function refusedRow(row: number, { reason, message }: DomainError): RefusedRow {
  return { row, reason, message: firstBytes(message, longestMessageBytes) };
}
