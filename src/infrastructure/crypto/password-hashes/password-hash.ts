import { timingSafeEqual } from "node:crypto";
import type { Effort } from "./effort.ts";

/** A password hash that was read, and whose check stays within the budget (`budget.ts`). */
export interface PasswordHash {
  /** The one spelling in which it is kept: reading it gives the same hash. */
  readonly text: string;
  /** The function and its costs: hashes for which these are equal take equally long. Holds nothing of salt or digest. */
  readonly cost: string;
  readonly effort: Effort;
  /** Whether it was made of these bytes. Takes as long where it was not, and ends by itself: nobody cancels it. */
  matches(password: Buffer): Promise<boolean>;
}

/** One way to write password hashes down. */
export interface PasswordHashFormat {
  /** What texts of this format begin with: such a text is of this format or of none. */
  readonly begins: RegExp;
  /** @throws PasswordHashRefused */
  read(text: string): PasswordHash;
}

/** A text that is not taken for a password hash. Its message goes on after "the hash", and holds nothing of the text. */
export class PasswordHashRefused extends Error {
  override readonly name = "PasswordHashRefused";
}

/**
 * The refusal of a text that begins as a hash of a format does and continues otherwise.
 * @param fault what is wrong. It claims only what was found: that a hash is too short cannot be told from most texts.
 */
export function malformed(format: string, fault: string): PasswordHashRefused {
  return new PasswordHashRefused(`is not a valid ${format} hash: ${fault}`);
}

/**
 * The parts of a text that a pattern names.
 * @param layout the parts, for the refusal of a text that does not match
 * @throws PasswordHashRefused
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

/** Whether bytes are the same, in a time that says only whether there are as many. */
export function areSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
