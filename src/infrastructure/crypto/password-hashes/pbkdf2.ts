import { pbkdf2 as nodePbkdf2 } from "node:crypto";
import { promisify } from "node:util";
import { budget, costWithin, lengthWithin } from "./budget.ts";
import { fromBase64, toBase64 } from "./encodings.ts";
import { areSame, malformed, type PasswordHash, type PasswordHashFormat, partsOf } from "./password-hash.ts";

const derive = promisify(nodePbkdf2);

/** Bytes per block of output. */
const blockLengths = { sha1: 20, sha224: 28, sha256: 32, sha384: 48, sha512: 64 } as const;

export type Pbkdf2Digest = keyof typeof blockLengths;

/**
 * Under these names Kratos computes SHA-3 (hash/hasher_pbkdf2.go) and other systems SHA-2. Their blocks are equally
 * long.
 */
const functionsOf: Partial<Record<Pbkdf2Digest, readonly string[]>> = {
  sha224: ["sha224", "sha3-224"],
  sha384: ["sha384", "sha3-384"],
};

const form =
  /^\$pbkdf2(?:-(?<digest>[^$]+))?\$(?:i=)?(?<iterations>\d{1,10})(?:,l=(?<length>\d{1,5}))?\$(?<salt>[^$]*)\$(?<key>[^$]*)$/;

/**
 * PBKDF2 (RFC 8018 §5.2) as written by Kratos, and by passlib, which omits the digest's name for SHA-1. The length is
 * in bytes in the format of Kratos, but in bits in examples of its documentation and tests.
 */
export const pbkdf2: PasswordHashFormat = {
  begins: /^\$pbkdf2(-[^$]*)?\$/,
  read(text) {
    const layout = "iterations, an optional length, salt and digest";
    const {
      digest = "sha1",
      iterations,
      length,
      salt = "",
      key = "",
    } = partsOf(text, form, "PBKDF2", layout);
    if (!isPbkdf2Digest(digest)) {
      throw malformed("PBKDF2", `its digest must be ${Object.keys(blockLengths).join(", ")}`);
    }
    const bytes = fromBase64(key, "PBKDF2");
    if (length !== undefined && ![bytes.length, 8 * bytes.length].includes(Number(length))) {
      throw malformed(
        "PBKDF2",
        `its length names neither the bytes nor the bits of its digest (${bytes.length} bytes)`,
      );
    }
    return pbkdf2Hash(digest, Number(iterations), fromBase64(salt, "PBKDF2"), bytes);
  },
};

function isPbkdf2Digest(name: string): name is Pbkdf2Digest {
  return Object.hasOwn(blockLengths, name);
}

/** @throws PasswordHashRefused if the costs or lengths are beyond the budget */
export function pbkdf2Hash(
  digest: Pbkdf2Digest,
  iterations: number,
  salt: Buffer,
  key: Buffer,
): PasswordHash {
  lengthWithin("salt", salt, 1, budget.saltBytes);
  lengthWithin("digest", key, budget.digestBytes.least, budget.digestBytes.most);
  const functions = functionsOf[digest] ?? [digest];
  const blocks = Math.ceil(key.length / blockLengths[digest]);
  costWithin(
    "PBKDF2 iterations for this length",
    iterations,
    1,
    Math.floor(budget.pbkdf2.iterations / (blocks * functions.length)),
  );
  const cost = `$pbkdf2-${digest}$i=${iterations},l=${key.length}$`;
  return {
    text: `${cost}${toBase64(salt)}$${toBase64(key)}`,
    cost,
    effort: { of: "pbkdf2", iterations: iterations * blocks * functions.length },
    async matches(password) {
      let isMatch = false;
      for (const name of functions) {
        if (areSame(await derive(password, salt, iterations, key.length, name), key)) isMatch = true;
      }
      return isMatch;
    },
  };
}
