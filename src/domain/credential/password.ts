import { opaqueString } from "../identifier/precis.ts";
import { Secret } from "../secret.ts";

/** How long passwords may be, in code points of the prepared password. */
export interface PasswordPolicy {
  readonly minLength: number;
  readonly maxLength: number;
}

/** Of UTF-8, before anything is done with a password. */
export const maxBytes = 1024;

/**
 * Prepares a password for hashing, to set or to check it: RFC 8265 OpaqueString, so that one password has one form on
 * every keyboard. Answers undefined for what cannot be a password: what the profile refuses, and more than 1,024 bytes
 * of UTF-8, which is looked at before anything costs. Nothing is cut off.
 */
export function preparePassword(raw: Secret): Secret | undefined {
  const text = raw.reveal();
  if (isTooLong(text)) return undefined;
  const prepared = opaqueString(text);
  // Normalisation can lengthen; what is prepared once must be preparable again.
  return prepared !== undefined && !isTooLong(prepared) ? new Secret(prepared) : undefined;
}

/** Whether a password has more than `maxBytes`. No code unit takes less than a byte, so that what is far too long is never encoded. */
export function isTooLong(text: string): boolean {
  return text.length > maxBytes || new TextEncoder().encode(text).length > maxBytes;
}
