import { pbkdf2 as nodePbkdf2 } from "node:crypto";
import { promisify } from "node:util";
import { budget, costWithin, lengthWithin } from "./budget.ts";
import { fromBase64, toBase64 } from "./encodings.ts";
import { areSame, garbled, type PasswordHash, type PasswordHashFormat, partsOf } from "./password-hash.ts";

const derive = promisify(nodePbkdf2);

/** Bytes of a block of output. */
const blockLengths = { sha1: 20, sha224: 28, sha256: 32, sha384: 48, sha512: 64 } as const;

export type Pbkdf2Digest = keyof typeof blockLengths;

const form =
  /^\$pbkdf2(?:-(?<digest>sha1|sha224|sha256|sha384|sha512))?\$(?:i=)?(?<iterations>\d{1,10})(?:,l=(?<length>\d{1,5}))?\$(?<salt>[^$]*)\$(?<key>[^$]*)$/;

/** PBKDF2 (RFC 8018 §5.2) as Kratos writes it, and as passlib does, for whom no digest is SHA-1. */
export const pbkdf2: PasswordHashFormat = {
  begins: /^\$pbkdf2(-sha\d+)?\$/,
  read(text) {
    const { digest = "sha1", iterations, length, salt = "", key = "" } = partsOf(text, form, "PBKDF2");
    const bytes = fromBase64(key, "PBKDF2");
    if (length !== undefined && Number(length) !== bytes.length) throw garbled("PBKDF2");
    return pbkdf2Hash(digest as Pbkdf2Digest, Number(iterations), fromBase64(salt, "PBKDF2"), bytes);
  },
};

/** @throws PasswordHashRefused where it is beyond the budget */
export function pbkdf2Hash(
  digest: Pbkdf2Digest,
  iterations: number,
  salt: Buffer,
  key: Buffer,
): PasswordHash {
  lengthWithin("salt", salt, 1, budget.saltBytes);
  lengthWithin("digest", key, budget.digestBytes.least, budget.digestBytes.most);
  const blocks = Math.ceil(key.length / blockLengths[digest]);
  costWithin(
    "PBKDF2 iterations for this length",
    iterations,
    1,
    Math.floor(budget.pbkdf2.iterations / blocks),
  );
  const cost = `$pbkdf2-${digest}$i=${iterations},l=${key.length}$`;
  return {
    text: `${cost}${toBase64(salt)}$${toBase64(key)}`,
    cost,
    effort: { of: "pbkdf2", iterations: iterations * blocks },
    matches: async (password) => areSame(await derive(password, salt, iterations, key.length, digest), key),
  };
}
