import { fromBase64 } from "./encodings.ts";
import { garbled, type PasswordHashFormat, partsOf } from "./password-hash.ts";
import { type DigestName, saltedDigestHash } from "./salted-digest.ts";

const form = /^\{(?<scheme>[A-Za-z0-9]+)\}(?<value>[A-Za-z0-9+/]+=*)$/;

/** Digest and its length by scheme; a digest is followed by its salt where the scheme begins with "S" before its name. */
const schemes = new Map<string, { digest: DigestName; length: number; salted: boolean }>([
  ["MD5", { digest: "md5", length: 16, salted: false }],
  ["SMD5", { digest: "md5", length: 16, salted: true }],
  ["SHA", { digest: "sha1", length: 20, salted: false }],
  ["SSHA", { digest: "sha1", length: 20, salted: true }],
  ["SHA256", { digest: "sha256", length: 32, salted: false }],
  ["SSHA256", { digest: "sha256", length: 32, salted: true }],
  ["SHA384", { digest: "sha384", length: 48, salted: false }],
  ["SSHA384", { digest: "sha384", length: 48, salted: true }],
  ["SHA512", { digest: "sha512", length: 64, salted: false }],
  ["SSHA512", { digest: "sha512", length: 64, salted: true }],
]);

/** userPassword values of LDAP servers: `{SSHA}` and base64 of digest and salt, the salt having come after the password. */
export const ldap: PasswordHashFormat = {
  begins: /^\{S?(MD5|SHA(256|384|512)?)\}/i,
  read(text) {
    const { scheme = "", value = "" } = partsOf(text, form, "LDAP");
    const known = schemes.get(scheme.toUpperCase());
    const bytes = fromBase64(value, "LDAP");
    if (known === undefined || bytes.length > known.length !== known.salted) throw garbled("LDAP");
    const [digest, salt] = [bytes.subarray(0, known.length), bytes.subarray(known.length)];
    return saltedDigestHash(known.digest, known.salted ? "{PASSWORD}{SALT}" : "{PASSWORD}", salt, digest);
  },
};
