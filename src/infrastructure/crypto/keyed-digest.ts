import { createHmac, createSecretKey } from "node:crypto";

/**
 * A digest of texts by HMAC-SHA-256 (RFC 2104), in base64url: nobody without the key can find a text by trying.
 * @param key 256 bits that all instances share
 */
export function keyedDigest(key: Buffer): (text: string) => string {
  if (key.length !== 32) throw new RangeError("the digest key must be 32 bytes");
  const secret = createSecretKey(key);
  return (text) => createHmac("sha256", secret).update(text).digest("base64url");
}
