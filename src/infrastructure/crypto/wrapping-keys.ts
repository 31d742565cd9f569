import { createHash, createSecretKey, type KeyObject } from "node:crypto";
import { seal, sealLength, unseal } from "./sealed-bytes.ts";

const version = 1;
const keyLength = 32;
const keyIdLength = 8;
const headerLength = 1 + keyIdLength;

interface WrappingKey {
  /** Written before everything that the key seals: the version and the first bytes of the key's hash. */
  readonly header: Buffer;
  readonly secret: KeyObject;
}

/**
 * The keys that encrypt secrets in the database. Wrapped data consists of version (1), key ID (8 bytes) and the
 * sealed bytes (sealed-bytes.ts). Version, key ID and the caller's `aad` are authenticated.
 */
export class WrappingKeys {
  readonly #current: WrappingKey;
  /** Keys by header, in hex. */
  readonly #all: ReadonlyMap<string, WrappingKey>;

  private constructor(keys: readonly [WrappingKey, ...WrappingKey[]]) {
    this.#current = keys[0];
    this.#all = new Map(keys.map((key) => [key.header.toString("hex"), key]));
  }

  /**
   * Parses one key or more, each of 32 bytes in base64 or base64url, separated by commas or white space. A line that
   * begins with # is a comment. The first key wraps and unwraps, the others only unwrap.
   *
   * @throws Error if there is no key, or one is malformed, not random or repeated; the message reveals no key
   */
  static parse(text: string): WrappingKeys {
    const words = text
      .split(/\r?\n/)
      .filter((line) => !line.trimStart().startsWith("#"))
      .flatMap((line) => line.split(/[\s,]+/))
      .filter((word) => word !== "");
    const [first, ...others] = words.map(toKey);
    if (!first) throw new Error("no wrapping key; make one with: openssl rand -base64 32");
    const keys = [first, ...others] as const;
    keys.forEach(({ header }, index) => {
      const same = keys.findIndex((other) => other.header.equals(header));
      if (same < index) throw new Error(`wrapping keys ${same + 1} and ${index + 1} are the same`);
    });
    return new WrappingKeys(keys);
  }

  /**
   * Wraps bytes with the current key.
   * @param aad what the bytes are and to whom they belong: required to unwrap, and not stored
   */
  wrap(plain: Uint8Array, aad: string): Uint8Array {
    const { header, secret } = this.#current;
    return Buffer.concat([header, seal(secret, plain, bound(header, aad))]);
  }

  /** @throws Error if the key is missing or decryption fails; the message tells which */
  unwrap(wrapped: Uint8Array, aad: string): Buffer {
    const { header, sealed } = partsOf(wrapped);
    const key = this.#all.get(header.toString("hex"));
    if (!key) {
      throw new Error(
        `encrypted with key ${header.subarray(1).toString("hex")}, which is not one of the wrapping keys`,
      );
    }
    const plain = unseal(key.secret, sealed, bound(header, aad));
    if (plain === undefined) {
      throw new Error("decryption failed: the data was modified, or encrypted for another purpose");
    }
    return plain;
  }

  /** Whether the current key wrapped these bytes; if not, they should be wrapped again. */
  isCurrent(wrapped: Uint8Array): boolean {
    return this.#current.header.equals(wrapped.subarray(0, headerLength));
  }
}

function toKey(word: string, index: number): WrappingKey {
  const name = `wrapping key ${index + 1}`;
  const text = word
    .replace(/={0,2}$/, "")
    .replaceAll("+", "-")
    .replaceAll("/", "_");
  const bytes = Buffer.from(text, "base64url");
  // Node ignores invalid base64 characters: only text that Node itself would write is accepted.
  if (bytes.toString("base64url") !== text) throw new Error(`${name} is not valid base64`);
  if (bytes.length !== keyLength) throw new Error(`${name} has ${bytes.length} bytes; expected 32`);
  if (looksMade(bytes)) {
    throw new Error(`${name} is not random; make one with: openssl rand -base64 32`);
  }
  const keyId = createHash("sha256").update("auth/wrapping-key-id/1\0").update(bytes).digest();
  return {
    header: Buffer.concat([Buffer.of(version), keyId.subarray(0, keyIdLength)]),
    secret: createSecretKey(bytes),
  };
}

/** Detects equal bytes, a short pattern or a run of bytes: fewer than one in 10^15 random keys looks like that. */
function looksMade(bytes: Buffer): boolean {
  const steps = bytes.map((byte, index) => (byte - (bytes[index - 1] ?? 0)) & 0xff);
  return new Set(bytes).size < 16 || new Set(steps.subarray(1)).size < 8;
}

function partsOf(wrapped: Uint8Array) {
  const bytes = Buffer.from(wrapped.buffer, wrapped.byteOffset, wrapped.byteLength);
  if (bytes.length < headerLength + sealLength || bytes[0] !== version) {
    throw new Error("not a wrapped secret");
  }
  return { header: bytes.subarray(0, headerLength), sealed: bytes.subarray(headerLength) };
}

/** The header has a fixed length, so no two pairs of header and `aad` give the same bytes. */
function bound(header: Buffer, aad: string): Buffer {
  return Buffer.concat([header, Buffer.from(aad)]);
}
