import { fromBase64, fromHex } from "./encodings.ts";
import { type PasswordHashFormat, partsOf } from "./password-hash.ts";
import { pbkdf2Hash } from "./pbkdf2.ts";
import { saltedDigestHash } from "./salted-digest.ts";
import { scryptCost, scryptHash } from "./scrypt.ts";

const pbkdf2Form =
  /^pbkdf2_(?<digest>sha1|sha256)\$(?<iterations>\d{1,10})\$(?<salt>[!-#%-~]+)\$(?<key>[^$]+)$/;
const scryptForm =
  /^scrypt\$(?<n>\d{1,10})\$(?<salt>[!-#%-~]+)\$(?<r>\d{1,8})\$(?<p>\d{1,8})\$(?<key>[^$]+)$/;
const digestForm = /^(?<digest>md5|sha1)\$(?<salt>[!-#%-~]*)\$(?<key>[^$]+)$/;

/** Django's PBKDF2PasswordHasher: the salt as plain text, the key in base64. */
export const djangoPbkdf2: PasswordHashFormat = {
  begins: /^pbkdf2_sha\d+\$/,
  read(text) {
    const layout = "sha1 or sha256, iterations, salt and digest";
    const { digest, iterations, salt = "", key = "" } = partsOf(text, pbkdf2Form, "Django PBKDF2", layout);
    const bytes = fromBase64(key, "Django PBKDF2");
    return pbkdf2Hash(digest === "sha1" ? "sha1" : "sha256", Number(iterations), Buffer.from(salt), bytes);
  },
};

/** Django's ScryptPasswordHasher. */
export const djangoScrypt: PasswordHashFormat = {
  begins: /^scrypt\$/,
  read(text) {
    const {
      salt = "",
      n,
      r,
      p,
      key = "",
    } = partsOf(text, scryptForm, "Django scrypt", "N, salt, r, p and digest");
    const logN = Math.log2(Number(n));
    const cost = scryptCost({ logN, blockSize: Number(r), parallelism: Number(p) });
    return scryptHash(cost, Buffer.from(salt), fromBase64(key, "Django scrypt"));
  },
};

/** Django's MD5PasswordHasher and SHA1PasswordHasher: the salt precedes the password. */
export const djangoDigest: PasswordHashFormat = {
  begins: /^(md5|sha1)\$/,
  read(text) {
    const { digest, salt = "", key = "" } = partsOf(text, digestForm, "Django digest", "salt and digest");
    const name = digest === "md5" ? "md5" : "sha1";
    return saltedDigestHash(name, "{SALT}{PASSWORD}", Buffer.from(salt), fromHex(key, "Django digest"));
  },
};
