import { type CipherKey, createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const algorithm = "aes-256-gcm";
const nonceLength = 12;
const tagLength = 16;

/** Bytes that a seal adds. */
export const sealLength = nonceLength + tagLength;

/**
 * Seals bytes by AES-256-GCM (NIST SP 800-38D): nonce (12), sealed bytes, tag (16).
 * @param key 256 bits
 * @param aad what is bound in: needed to open, and not kept
 */
export function seal(key: CipherKey, plain: Uint8Array, aad: Uint8Array): Buffer {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv(algorithm, key, nonce).setAAD(aad);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** What was sealed; undefined where it was not by this key and for this `aad`, which is all that a decipher says. */
export function unseal(key: CipherKey, bytes: Uint8Array, aad: Uint8Array): Buffer | undefined {
  if (bytes.length < sealLength) return undefined;
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceLength), {
    authTagLength: tagLength,
  })
    .setAAD(aad)
    .setAuthTag(bytes.subarray(-tagLength));
  const plain = decipher.update(bytes.subarray(nonceLength, -tagLength));
  try {
    return Buffer.concat([plain, decipher.final()]);
  } catch {
    return undefined;
  }
}
