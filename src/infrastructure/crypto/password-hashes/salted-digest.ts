import { createHash, createHmac } from "node:crypto";
import { budget, lengthWithin } from "./budget.ts";
import { fromBase64, fromHex, fromHexOrBase64, toBase64 } from "./encodings.ts";
import { areSame, malformed, type PasswordHash, type PasswordHashFormat, partsOf } from "./password-hash.ts";

/** Digest lengths in bytes. */
export const digestLengths = { md5: 16, sha1: 20, sha224: 28, sha256: 32, sha384: 48, sha512: 64 } as const;

export type DigestName = keyof typeof digestLengths;

const name = "(?<digest>md5|sha1|sha224|sha256|sha384|sha512)";
const form = new RegExp(`^\\$${name}(?:\\$pf=(?<pattern>[^$]+)\\$(?<salt>[^$]*))?\\$(?<value>[^$]+)$`);
const hmacForm = new RegExp(`^\\$hmac-${name}\\$(?<value>[^$]+)\\$(?<key>[^$]+)$`);

/**
 * A single digest over salt and password, as Kratos writes it: `$sha256$pf=<pattern>$<salt>$<digest>`, each in
 * base64. The pattern specifies the hashed text: `{SALT}{PASSWORD}`, `{PASSWORD}{SALT}`, or these with more text
 * around them. `$sha256$<digest>` has no salt. Such digests are too fast to protect a stolen password: the next
 * successful sign-in replaces them.
 */
export const saltedDigest: PasswordHashFormat = {
  begins: new RegExp(`^\\$${name}\\$`),
  read(text) {
    const layout = "a digest, or a pattern, salt and digest";
    const { digest, pattern, salt = "", value = "" } = partsOf(text, form, "salted digest", layout);
    const name = digest as DigestName;
    return saltedDigestHash(
      name,
      pattern === undefined ? "{PASSWORD}" : fromBase64(pattern, "salted digest").toString("latin1"),
      fromBase64(salt, "salted digest"),
      fromHexOrBase64(value, digestLengths[name], "salted digest"),
    );
  },
};

/**
 * An HMAC with the password as its message, as Kratos writes it: `$hmac-sha256$<code>$<key>`, where the code is the
 * base64 of hexadecimal digits. The key, a secret of the other system, is in the row, and is as safe as the database.
 */
export const hmac: PasswordHashFormat = {
  begins: new RegExp(`^\\$hmac-${name}\\$`),
  read(text) {
    const { digest, ...rest } = partsOf(text, hmacForm, "HMAC", "code and key");
    const code = fromHex(fromBase64(rest["value"] ?? "", "HMAC").toString("latin1"), "HMAC");
    const key = fromBase64(rest["key"] ?? "", "HMAC");
    const digestName = digest as DigestName;
    lengthWithin("digest", code, digestLengths[digestName], digestLengths[digestName]);
    lengthWithin("key", key, 1, budget.saltBytes);
    const hex = Buffer.from(code.toString("hex"));
    return {
      text: `$hmac-${digest}$${hex.toString("base64")}$${key.toString("base64")}`,
      cost: `$hmac-${digest}$`,
      effort: { of: "digest" },
      matches: async (password) => areSame(createHmac(digestName, key).update(password).digest(), code),
    };
  },
};

/**
 * @param pattern text of one byte per character that contains `{PASSWORD}` once or twice
 * @throws PasswordHashRefused if the pattern or a length is not supported
 */
export function saltedDigestHash(
  digest: DigestName,
  pattern: string,
  salt: Buffer,
  value: Buffer,
): PasswordHash {
  lengthWithin("salt", salt, 0, budget.saltBytes);
  lengthWithin("digest", value, digestLengths[digest], digestLengths[digest]);
  const pieces = pattern.split(/(\{SALT\}|\{PASSWORD\})/);
  const times = pieces.filter((piece) => piece === "{PASSWORD}").length;
  if (pattern.length > budget.saltBytes || times < 1 || times > 2) {
    throw malformed("salted digest", "its pattern must name the password once or twice");
  }
  const text =
    pattern === "{PASSWORD}"
      ? `$${digest}$`
      : `$${digest}$pf=${toBase64(Buffer.from(pattern, "latin1"))}$${toBase64(salt)}$`;
  return {
    text: `${text}${toBase64(value)}`,
    cost: `$${digest}$`,
    effort: { of: "digest" },
    async matches(password) {
      const hash = createHash(digest);
      for (const piece of pieces) {
        if (piece === "{PASSWORD}") hash.update(password);
        else if (piece === "{SALT}") hash.update(salt);
        else hash.update(piece, "latin1");
      }
      return areSame(hash.digest(), value);
    },
  };
}
