import { invalidField } from "../errors.ts";
import { type Canonical, maxRawLength } from "./canonical.ts";
import { findLookAlike } from "./look-alikes.ts";
import { usernameCaseMapped } from "./precis.ts";
import { mapWidth } from "./width-mapping.ts";

/** An email address: `value` as entered, which is displayed and mailed to, and `key`, which is compared and unique. */
export interface Email {
  readonly value: string;
  readonly key: string;
}

/**
 * Maps a domain to its A-label form (IDNA, UTS #46). Returns undefined or "" if it has none. Implementations may do
 * more, like the host parser of WHATWG URL, so the domain of an email is checked before and after.
 */
export type DomainToAscii = (domain: string) => string | undefined;

// Dot-atom of RFC 5322, section 3.2.3, with the UTF-8 of RFC 6531, section 3.3. Lower case only, because it is applied
// to keys.
const dotAtom =
  /^[a-z0-9!#$%&'*+\-/=?^_`{|}~\u{80}-\u{10FFFF}]+(?:\.[a-z0-9!#$%&'*+\-/=?^_`{|}~\u{80}-\u{10FFFF}]+)*$/u;

// Keeps characters with a meaning to host parsers ("%", "/", ":", "[", tab) and invisible ones away from `toAscii`.
// Ideographic full stops are dots in IDNA; the other four are punctuation within words.
const domainCharacters =
  /^[[\p{L}\p{M}\p{Nd}\-.\u3002\u00B7\u0375\u05F3\u05F4\u30FB]--\p{Default_Ignorable_Code_Point}]+$/v;

const dots = /[.\u3002]/;
const punycoded = /xn--/i;
const aLabel = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;
const digitsOnly = /^[0-9]+$/;
const ascii = /^[!-~]*$/;
const encoder = new TextEncoder();
const maxDomainOctets = 253;

const maxLocalOctets = 64;
const maxOctets = 254;

/**
 * Parses an email address (RFC 5321, RFC 6531): a dot-atom, "@", and a domain name. Quoted local parts, comments and
 * address literals are not supported. The key is the local part by RFC 8265 UsernameCaseMapped, at most 64 octets, "@",
 * and the domain in A-labels; at most 254 octets in total. A domain label that mixes scripts must be given as an
 * A-label, as browsers display it (docs/decisions/0035-look-alikes.md). The address is split only after width mapping,
 * so that a "＠" cannot become an "@" later.
 * @throws EMAIL_INVALID about `field`, a path as in the API
 */
export function parseEmail(raw: string, field: string, toAscii: DomainToAscii): Email {
  const canonical = canonicaliseEmail(raw, toAscii);
  if ("fault" in canonical) throw invalidField("EMAIL_INVALID", field, canonical.fault);
  return { value: raw, key: canonical.key };
}

/** The key of an email address, or why there is none. Throws only what `toAscii` throws. */
export function canonicaliseEmail(raw: string, toAscii: DomainToAscii): Canonical {
  if (raw.length > maxRawLength) return { fault: "must be at most 254 octets" };
  const mapped = mapWidth(raw);
  const at = mapped.lastIndexOf("@");
  if (at === -1 || mapped.indexOf("@") !== at) return { fault: "must contain exactly one '@'" };

  const local = canonicaliseLocalPart(mapped.slice(0, at));
  if ("fault" in local) return local;
  const typedDomain = mapped.slice(at + 1);
  const domain = canonicaliseDomain(typedDomain, toAscii);
  if (domain === undefined) return { fault: "must end in a domain name with at least two labels" };

  if (typedDomain.split(dots).some((label) => findLookAlike(label) !== undefined)) {
    return { fault: "must have each label of its domain in one script, or as an A-label (xn--)" };
  }

  const key = `${local.key}@${domain}`;
  return octets(key) <= maxOctets ? { key } : { fault: "must be at most 254 octets" };
}

function canonicaliseLocalPart(raw: string): Canonical {
  const key = usernameCaseMapped(raw);
  if (key === undefined || !dotAtom.test(key)) {
    return {
      fault: "must have only letters, digits, !#$%&'*+-/=?^_`{|}~ and single inner dots before the '@'",
    };
  }
  if (octets(key) > maxLocalOctets) return { fault: "must have at most 64 octets before the '@'" };
  const fault = findLookAlike(key);
  return fault === undefined ? { key } : { fault: `the part before the '@' ${fault}` };
}

function canonicaliseDomain(domain: string, toAscii: DomainToAscii): string | undefined {
  if (!domainCharacters.test(domain)) return undefined;
  const ascii = toAscii(punycoded.test(domain) ? withIdeographicDots(domain) : domain);
  return ascii !== undefined && isHostName(ascii) ? ascii : undefined;
}

// WHATWG URL accepts any "xn--" label in an all-ASCII domain. With ideographic full stops the domain is not all ASCII,
// so its A-labels are checked.
function withIdeographicDots(domain: string): string {
  return domain.replaceAll(".", "\u3002");
}

// A-labels in lower case, at least two, the last one not all digits, so that it is not an IPv4 address (RFC 1035,
// section 2.3.4; RFC 5321, section 4.1.2; RFC 3696, section 2). A trailing dot would add an empty label.
function isHostName(ascii: string): boolean {
  const labels = ascii.split(".");
  return (
    ascii.length <= maxDomainOctets &&
    labels.length >= 2 &&
    labels.every((label) => aLabel.test(label)) &&
    !digitsOnly.test(labels.at(-1) ?? "")
  );
}

function octets(text: string): number {
  return ascii.test(text) ? text.length : encoder.encode(text).length;
}
