import { maxRawLength } from "./canonical.ts";
import { canonicaliseEmail, type DomainToAscii } from "./email.ts";
import { mapUsernameCharacters } from "./precis.ts";
import { canonicaliseUsername } from "./username.ts";
import { mapWidth } from "./width-mapping.ts";

/** A canonical identifier to find a user by. */
export interface IdentifierKey {
  readonly kind: "email" | "username";
  readonly key: string;
}

/**
 * Parses what a person enters in a login form: an email if it contains an "@" of any width, otherwise a username.
 * Returns undefined if it is neither, so that no user can have it. Throws only what `toAscii` throws.
 */
export function parseIdentifier(raw: string, toAscii: DomainToAscii): IdentifierKey | undefined {
  if (raw.length > maxRawLength) return undefined;
  const kind = mapWidth(raw).includes("@") ? "email" : "username";
  const canonical = kind === "email" ? canonicaliseEmail(raw, toAscii) : canonicaliseUsername(raw);
  return "key" in canonical ? { kind, key: canonical.key } : undefined;
}

/**
 * Maps the start of an email to the characters of email keys (width, lower case, NFC), to filter a list by. Accepts any
 * string and does not check it: limit its length beforehand, and expect NUL and lone surrogates in the result. The
 * result is not the start of a key if it extends into the domain, which keys hold in A-labels, or if it ends within a
 * character or, in Greek, before the end of a word.
 */
export function canonicalEmailPrefix(raw: string): string {
  return mapUsernameCharacters(raw);
}
