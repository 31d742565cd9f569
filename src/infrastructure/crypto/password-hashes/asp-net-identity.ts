import { fromBase64 } from "./encodings.ts";
import { malformed, type PasswordHashFormat } from "./password-hash.ts";
import { type Pbkdf2Digest, pbkdf2Hash } from "./pbkdf2.ts";

const format = "ASP.NET Identity";
/** The digests by the number of their KeyDerivationPrf. */
const digests: readonly Pbkdf2Digest[] = ["sha1", "sha256", "sha512"];

/**
 * Base64 of a blob. Version 3: a byte 1, then PRF, iterations and salt length (four bytes each, big-endian), salt and
 * key. Version 2: a byte 0, 16 bytes of salt and 32 of key, which is PBKDF2 with SHA-1 and 1,000 iterations.
 */
export const aspNetIdentity: PasswordHashFormat = {
  begins: /^A[A-Za-z0-9+/_-]{47,}=*$/,
  read(text) {
    const blob = fromBase64(text, format);
    if (blob[0] === 0 && blob.length === 49) {
      return pbkdf2Hash("sha1", 1_000, blob.subarray(1, 17), blob.subarray(17));
    }
    if (blob[0] !== 1) throw malformed(format, "its version must be 2 or 3");
    const digest = digests[blob.readUInt32BE(1)];
    const saltLength = blob.readUInt32BE(9);
    if (digest === undefined) throw malformed(format, "its PBKDF2 digest must be SHA-1, SHA-256 or SHA-512");
    if (13 + saltLength >= blob.length) throw malformed(format, "its salt is longer than the text");
    return pbkdf2Hash(
      digest,
      blob.readUInt32BE(5),
      blob.subarray(13, 13 + saltLength),
      blob.subarray(13 + saltLength),
    );
  },
};
