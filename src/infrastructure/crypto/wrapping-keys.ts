import { createHash, createSecretKey, type KeyObject } from "node:crypto";
import { seal, sealLength, unseal } from "./sealed-bytes.ts";

const version = 1;
const keyLength = 32;
const keyIdLength = 8;
const headerLength = 1 + keyIdLength;

interface WrappingKey {
  /** What is written before all that it seals: the version, and the first bytes of the key's hash. */
  readonly header: Buffer;
  readonly secret: KeyObject;
}

/**
 * The keys under which secrets are kept in the database. What is wrapped reads: version (1), key id (8 bytes), and what is
 * sealed (sealed-bytes.ts). Version, key id and the caller's `aad` are bound in.
 */
export class WrappingKeys {
  readonly #current: WrappingKey;
  /** By header, in hex. */
  readonly #all: ReadonlyMap<string, WrappingKey>;

  private constructor(keys: readonly [WrappingKey, ...WrappingKey[]]) {
    this.#current = keys[0];
    this.#all = new Map(keys.map((key) => [key.header.toString("hex"), key]));
  }

  /**
   * One key or more, each of 32 bytes in base64 or base64url, apart by commas or white space; what follows a # at the
   * beginning of a line is a comment. The first key wraps, the others only unwrap.
   *
   * @throws Error with a sentence that names no key
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

  /** Seals bytes by the current key. @param aad what they are, and of whom: needed to unwrap, and not kept. */
  wrap(plain: Uint8Array, aad: string): Uint8Array {
    const { header, secret } = this.#current;
    return Buffer.concat([header, seal(secret, plain, bound(header, aad))]);
  }

  /** @throws Error that says whether the key is missing or the seal does not open */
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

  /** Whether the current key has wrapped it: if not, it is to be wrapped again. */
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
  // Node reads over what is not base64: only what it would write itself is taken.
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

/** All bytes equal, a short pattern or one byte after the other: 32 random bytes are not once in 10^15 keys. */
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

/** The header is of one length: no two pairs of header and `aad` are bound alike. */
function bound(header: Buffer, aad: string): Buffer {
  return Buffer.concat([header, Buffer.from(aad)]);
}
