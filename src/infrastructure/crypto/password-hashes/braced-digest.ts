import { fromHexOrBase64 } from "./encodings.ts";
import { malformed, type PasswordHashFormat, partsOf } from "./password-hash.ts";
import { type DigestName, digestLengths, saltedDigestHash } from "./salted-digest.ts";

const form = /^\{(?<salted>S)?(?<digest>MD5|SHA-?\d*)\}(?<salt>\{[^}]*\})?(?<value>[^{}]+)$/i;

const layout = "a digest in base64 or hexadecimal";
const digests = new Map<string, DigestName>([
  ["MD5", "md5"],
  ["SHA", "sha1"],
  ["SHA-1", "sha1"],
  ["SHA-256", "sha256"],
  ["SHA256", "sha256"],
  ["SHA384", "sha384"],
  ["SHA512", "sha512"],
]);

/**
 * A single digest after its name in braces: `{SSHA}` and similar schemes of LDAP servers (RFC 2307 §5.3), base64 of
 * digest and salt, with the salt after the password; and `{MD5}`, `{SHA-1}` and `{SHA-256}` of Spring Security's
 * MessageDigestPasswordEncoder, whose salt comes first, in braces that are hashed with it, and whose digest is
 * hexadecimal or base64.
 */
export const bracedDigest: PasswordHashFormat = {
  begins: /^\{S?(MD5|SHA-?\d*)\}/i,
  read(text) {
    const name = text.slice(1, text.indexOf("}"));
    const parts = partsOf(text, form, name, layout);
    const isSalted = parts["salted"] !== undefined;
    if (isSalted && parts["salt"] !== undefined) throw malformed(name, `expected ${layout}`);
    const digest = digests.get(parts["digest"]?.toUpperCase() ?? "");
    if (digest === undefined) throw malformed(name, "its digest function is not supported");
    const length = digestLengths[digest];
    const bytes = fromHexOrBase64(parts["value"] ?? "", length, name);
    if (isSalted && bytes.length <= length) {
      throw malformed(name, `its digest and salt have ${bytes.length} bytes; expected more than ${length}`);
    }
    const [value, salt] = isSalted
      ? [bytes.subarray(0, length), bytes.subarray(length)]
      : [bytes, Buffer.from(parts["salt"] ?? "")];
    return saltedDigestHash(digest, salt.length > 0 ? "{PASSWORD}{SALT}" : "{PASSWORD}", salt, value);
  },
};
