import { maxRawLength } from "./canonical.ts";
import { canonicaliseEmail, type DomainToAscii } from "./email.ts";
import { mapUsernameCharacters } from "./precis.ts";
import { canonicaliseUsername } from "./username.ts";
import { mapWidth } from "./width-mapping.ts";

/** What a person is found by. */
export interface IdentifierKey {
  readonly kind: "email" | "username";
  readonly key: string;
}

/**
 * Reads what a person types into one login box: an email where it holds an "@" of any width, else a username. Answers
 * undefined where it is neither, so that it can belong to nobody. Throws nothing that `toAscii` does not throw.
 */
export function parseIdentifier(raw: string, toAscii: DomainToAscii): IdentifierKey | undefined {
  if (raw.length > maxRawLength) return undefined;
  const kind = mapWidth(raw).includes("@") ? "email" : "username";
  const canonical = kind === "email" ? canonicaliseEmail(raw, toAscii) : canonicaliseUsername(raw);
  return "key" in canonical ? { kind, key: canonical.key } : undefined;
}

/**
 * The beginning of an email in the characters of email keys (width, lower case, NFC), to filter a list by. Any string
 * goes, and comes back without checks: bound its length before, and expect NUL and lone surrogates after. It is the
 * beginning of a key only up to the domain, which in a key is in A-labels, and not where it ends inside of a character
 * or, in Greek, before the end of a word.
 */
export function canonicalEmailPrefix(raw: string): string {
  return mapUsernameCharacters(raw);
}
