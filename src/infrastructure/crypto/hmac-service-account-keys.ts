import { createHmac, createSecretKey, hash, type KeyObject, randomBytes, timingSafeEqual } from "node:crypto";
import type { PresentedKey, ServiceAccountKeys } from "../../domain/caller/service-account-keys.ts";

const idLength = 16;
const secretLength = 28;
const checksumLength = 8;
const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** Every 52-byte number is less than 62^70. */
const textLength = 70;
const form = new RegExp(`^auth_sa_([0-9A-Za-z]{${textLength}})$`);
const limit = 1n << BigInt(8 * (idLength + secretLength + checksumLength));

/**
 * Keys of service accounts: `auth_sa_` followed by, as one number in base 62,
 *
 *     id (16 bytes) | secret (28 random bytes) | checksum (8 bytes)
 *
 * The checksum is a truncated HMAC-SHA-256 (RFC 2104) of ID and secret, so only an instance that knows the pepper can
 * create a key that reaches the database. The database stores another HMAC-SHA-256 of ID and secret. A key has only
 * letters and digits: a double click selects all of it, and a scanner finds it with `auth_sa_[0-9A-Za-z]{70}`.
 */
export class HmacServiceAccountKeys implements ServiceAccountKeys {
  readonly #pepper: KeyObject;

  /** @param pepper 256 bits that all instances share */
  constructor(pepper: Buffer) {
    if (pepper.length !== 32) throw new RangeError("the pepper of service account keys must be 32 bytes");
    this.#pepper = createSecretKey(pepper);
  }

  make(id: string): { text: string; digest: Uint8Array } {
    const key = Buffer.concat([Buffer.from(id.replaceAll("-", ""), "hex"), randomBytes(secretLength)]);
    if (key.length !== idLength + secretLength) throw new RangeError("the key ID must be a UUID");
    const text = `auth_sa_${toBase62(Buffer.concat([key, this.#checksum(key)]))}`;
    return { text, digest: this.#digest(key) };
  }

  read(text: string): PresentedKey | undefined {
    const [, number] = form.exec(text) ?? [];
    const bytes = number === undefined ? undefined : fromBase62(number);
    if (bytes === undefined) return undefined;
    const key = bytes.subarray(0, idLength + secretLength);
    if (!timingSafeEqual(this.#checksum(key), bytes.subarray(key.length))) return undefined;
    return { id: toUuid(key.subarray(0, idLength)), digest: this.#digest(key) };
  }

  equal(one: Uint8Array, other: Uint8Array): boolean {
    return one.length === other.length && timingSafeEqual(one, other);
  }

  fingerprint(text: string): string {
    return hash("sha256", text, "base64");
  }

  #digest(key: Buffer): Buffer {
    return this.#hmac("auth/service-account-key/1\0", key);
  }

  #checksum(key: Buffer): Buffer {
    return this.#hmac("auth/service-account-key-checksum/1\0", key).subarray(0, checksumLength);
  }

  #hmac(purpose: string, key: Buffer): Buffer {
    return createHmac("sha256", this.#pepper).update(purpose).update(key).digest();
  }
}

function toBase62(bytes: Buffer): string {
  let number = BigInt(`0x${bytes.toString("hex")}`);
  let text = "";
  for (let index = 0; index < textLength; index++) {
    text = digits.charAt(Number(number % 62n)) + text;
    number /= 62n;
  }
  return text;
}

/** Undefined for a number of more than 52 bytes. */
function fromBase62(text: string): Buffer | undefined {
  let number = 0n;
  for (const digit of text) number = number * 62n + BigInt(digits.indexOf(digit));
  if (number >= limit) return undefined;
  return Buffer.from(
    number.toString(16).padStart(2 * (idLength + secretLength + checksumLength), "0"),
    "hex",
  );
}

function toUuid(bytes: Buffer): string {
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
