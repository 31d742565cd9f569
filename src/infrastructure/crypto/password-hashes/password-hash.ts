import { timingSafeEqual } from "node:crypto";
import type { Effort } from "./effort.ts";

/** A parsed password hash whose check stays within the budget (`budget.ts`). */
export interface PasswordHash {
  /** The canonical text that is stored: reading it gives the same hash. */
  readonly text: string;
  /**
   * The function and its costs: hashes with the same `cost` take equally long. Contains nothing of salt or digest.
   */
  readonly cost: string;
  readonly effort: Effort;
  /** Whether the hash was made from these bytes. Takes equally long if not. Cannot be cancelled. */
  matches(password: Buffer): Promise<boolean>;
}

/** A text format of password hashes. */
export interface PasswordHashFormat {
  /** How texts of this format begin. A text that matches is read in no other format. */
  readonly begins: RegExp;
  /** @throws PasswordHashRefused if the text is malformed, not supported or beyond the budget */
  read(text: string): PasswordHash;
}

/**
 * A text is not accepted as a password hash. The message continues after "the hash" and quotes nothing of the text.
 */
export class PasswordHashRefused extends Error {
  override readonly name = "PasswordHashRefused";
}

/**
 * The refusal of a text that begins like a hash of a format but is malformed.
 * @param fault what is wrong. It claims only what is certain: most texts do not show that a hash was truncated.
 */
export function malformed(format: string, fault: string): PasswordHashRefused {
  return new PasswordHashRefused(`is not a valid ${format} hash: ${fault}`);
}

/**
 * Splits a text into the named groups of a pattern.
 * @param layout the expected parts, for the refusal of a text that does not match
 * @throws PasswordHashRefused if the text does not match
 */
export function partsOf(
  text: string,
  pattern: RegExp,
  format: string,
  layout: string,
): Record<string, string | undefined> {
  const parts = pattern.exec(text)?.groups;
  if (parts === undefined) throw malformed(format, `expected ${layout}`);
  return parts;
}

/** Whether two byte strings are equal. The time depends only on whether their lengths are. */
export function areSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
