import { opaqueString } from "../identifier/precis.ts";
import { Secret } from "../secret.ts";

/** Length limits for passwords, in code points of the prepared password. */
export interface PasswordPolicy {
  readonly minLength: number;
  readonly maxLength: number;
}

/** In UTF-8, before any processing. */
export const maxBytes = 1024;

/**
 * Prepares a password before it is set or checked: RFC 8265 OpaqueString, so that one password has the same form on
 * every keyboard. Returns undefined for a text that cannot be a password: one that the profile refuses, or one of more
 * than 1,024 bytes of UTF-8, which is checked before anything expensive. Nothing is truncated.
 */
export function preparePassword(raw: Secret): Secret | undefined {
  const text = raw.reveal();
  if (isTooLong(text)) return undefined;
  const prepared = opaqueString(text);
  // Normalisation can lengthen the text. A prepared password must remain within the limit, so that it can be prepared
  // again.
  return prepared !== undefined && !isTooLong(prepared) ? new Secret(prepared) : undefined;
}

/**
 * Whether a password has more than `maxBytes`. Every code unit takes at least one byte, so a text that is far too long
 * is never encoded.
 */
export function isTooLong(text: string): boolean {
  return text.length > maxBytes || new TextEncoder().encode(text).length > maxBytes;
}
