import { createHmac, createSecretKey } from "node:crypto";

/**
 * Creates a digest function for texts, with HMAC-SHA-256 (RFC 2104) in base64url: without the key, a text cannot be
 * found by trial.
 * @param key 256 bits that all instances share
 * @throws RangeError if the key does not have 32 bytes
 */
export function keyedDigest(key: Buffer): (text: string) => string {
  if (key.length !== 32) throw new RangeError("the digest key must be 32 bytes");
  const secret = createSecretKey(key);
  return (text) => createHmac("sha256", secret).update(text).digest("base64url");
}
