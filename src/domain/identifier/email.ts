import { invalidField } from "../errors.ts";
import { type Canonical, maxRawLength } from "./canonical.ts";
import { findLookAlike } from "./look-alikes.ts";
import { usernameCaseMapped } from "./precis.ts";
import { mapWidth } from "./width-mapping.ts";

/** An email address: as it was given, which is shown and written to, and its key, which is compared and unique. */
export interface Email {
  readonly value: string;
  readonly key: string;
}

/**
 * Maps a domain to its A-label form (IDNA, UTS #46), or answers undefined or "" where it has none. May do more than that,
 * as the host parser of WHATWG URL does: the domain of an email is checked before and after.
 */
export type DomainToAscii = (domain: string) => string | undefined;

// Dot-atom of RFC 5322, section 3.2.3, with the UTF-8 of RFC 6531, section 3.3. Lower case, because it is asked of keys.
const dotAtom =
  /^[a-z0-9!#$%&'*+\-/=?^_`{|}~\u{80}-\u{10FFFF}]+(?:\.[a-z0-9!#$%&'*+\-/=?^_`{|}~\u{80}-\u{10FFFF}]+)*$/u;

// Nothing that a host parser acts on ("%", "/", ":", "[", tab) and nothing invisible gets to it. Ideographic full stops
// are dots to IDNA; the other four are punctuation inside of words.
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
 * Reads an email address (RFC 5321, RFC 6531): a dot-atom, "@", and a domain name. No quoted local parts, comments or
 * address literals. Its key is the local part by RFC 8265 UsernameCaseMapped, at most 64 octets, "@", and the domain in
 * A-labels; at most 254 octets together. A label of the domain that mixes scripts has to be given as an A-label, as browsers
 * show it (docs/decisions/0035-look-alikes.md). It is split only once widths are mapped, so that no "＠" is an "@" later on.
 * @throws EMAIL_INVALID about `field`, the path in the API's words.
 */
export function parseEmail(raw: string, field: string, toAscii: DomainToAscii): Email {
  const canonical = canonicaliseEmail(raw, toAscii);
  if ("fault" in canonical) throw invalidField("EMAIL_INVALID", field, canonical.fault);
  return { value: raw, key: canonical.key };
}

/** The key of an email address, or why there is none. Throws nothing that `toAscii` does not throw. */
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

// WHATWG URL lets any "xn--" label pass in a domain that is all ASCII. The same domain with the dots of IDNA is not, and
// so its A-labels are checked.
function withIdeographicDots(domain: string): string {
  return domain.replaceAll(".", "\u3002");
}

// A-labels in lower case, at least two, and the last not all digits, so that it is no IPv4 address (RFC 1035, section
// 2.3.4; RFC 5321, section 4.1.2; RFC 3696, section 2). A trailing dot would be an empty label.
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
