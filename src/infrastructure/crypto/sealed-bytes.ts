import { type CipherKey, createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const algorithm = "aes-256-gcm";
const nonceLength = 12;
const tagLength = 16;

/** Bytes that sealing adds. */
export const sealLength = nonceLength + tagLength;

/**
 * Encrypts and authenticates bytes with AES-256-GCM (NIST SP 800-38D): nonce (12), ciphertext, tag (16).
 * @param key 256 bits
 * @param aad additional authenticated data: required to open, and not stored
 */
export function seal(key: CipherKey, plain: Uint8Array, aad: Uint8Array): Buffer {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv(algorithm, key, nonce).setAAD(aad);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/**
 * Returns the plaintext; undefined if the bytes were not sealed with this key and this `aad`. GCM does not tell which
 * of them is wrong.
 */
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
