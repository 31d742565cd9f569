import type { DomainError, Reason } from "../errors.ts";
import { firstBytes } from "../storable-text.ts";

/** A row that an import refused, and why. */
export interface RefusedRow {
  /** Index of the row within its batch. */
  readonly row: number;
  readonly reason: Reason;
  /** A sentence for people. Contains nothing of a password hash. */
  readonly message: string;
}

/** Keeps the response below the caller's size limit even if every row of a stream is refused. */
const longestMessageBytes = 200;

export function refusedRow(row: number, { reason, message }: DomainError): RefusedRow {
  return { row, reason, message: firstBytes(message, longestMessageBytes) };
}
