import { invalidField } from "../errors.ts";
import { opaqueString } from "../identifier/precis.ts";

/** How long passwords may be, in code points of the prepared password. */
export interface PasswordPolicy {
  readonly minLength: number;
  readonly maxLength: number;
}

const maxBytes = 1024;

/**
 * Prepares a password for hashing, to set or to check it: RFC 8265 OpaqueString, so that one password has one form on
 * every keyboard. Answers undefined for what cannot be a password: what the profile refuses, and more than 1,024 bytes
 * of UTF-8, which is looked at before anything costs. Nothing is cut off.
 */
export function preparePassword(raw: string): string | undefined {
  if (isTooLong(raw)) return undefined;
  const prepared = opaqueString(raw);
  // Normalisation can lengthen; what is prepared once must be preparable again.
  return prepared !== undefined && !isTooLong(prepared) ? prepared : undefined;
}

/**
 * Accepts a new password and prepares it for hashing.
 * @throws PASSWORD_UNACCEPTABLE about `field`, the path in the API's words. The sentence does not hold the password.
 */
export function acceptPassword(raw: string, policy: PasswordPolicy, field: string): string {
  const unacceptable = (sentence: string) => invalidField("PASSWORD_UNACCEPTABLE", field, sentence);
  if (isTooLong(raw)) throw unacceptable(`must be at most ${maxBytes} bytes of UTF-8`);
  const password = preparePassword(raw);
  if (password === undefined) {
    throw unacceptable("must not be empty or hold control, invisible, private-use or unassigned characters");
  }
  const { length } = [...password];
  if (length < policy.minLength) throw unacceptable(`must be at least ${policy.minLength} characters`);
  if (length > policy.maxLength) throw unacceptable(`must be at most ${policy.maxLength} characters`);
  return password;
}

// No code unit takes less than a byte, so that what is far too long is never encoded.
function isTooLong(text: string): boolean {
  return text.length > maxBytes || new TextEncoder().encode(text).length > maxBytes;
}
