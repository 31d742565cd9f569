import { hashRaw } from "@node-rs/argon2";
import { budget, costWithin, lengthWithin, ownBudget } from "./budget.ts";
import { fromBase64, toBase64 } from "./encodings.ts";
import { areSame, malformed, type PasswordHash, type PasswordHashFormat, partsOf } from "./password-hash.ts";

export interface Argon2Hash {
  readonly type: "argon2i" | "argon2id";
  /** Argon2 version: 19 (1.3), or 16 (1.0) for hashes from before 2016. */
  readonly version: 16 | 19;
  readonly memoryKib: number;
  readonly iterations: number;
  readonly parallelism: number;
  readonly salt: Buffer;
  readonly tag: Buffer;
}

// The package's enums exist in types only.
const algorithms = { argon2i: 1, argon2id: 2 } as const;
const versions = { 16: 0, 19: 1 } as const;

const form =
  /^\$(?<type>argon2id?)(?:\$v=(?<version>\d{1,3}))?\$m=(?<m>\d{1,10}),t=(?<t>\d{1,10}),p=(?<p>\d{1,8})(?<more>,[^$]*)?\$(?<salt>[^$]*)\$(?<tag>[^$]*)$/;

/**
 * PHC strings of argon2id and argon2i (RFC 9106). A string without a version is of version 1.0, as in the reference
 * implementation. Argon2d is not for passwords (RFC 9106 §4), and a hash with a key ID (`keyid`) needs that key, so
 * both are refused.
 */
export const argon2: PasswordHashFormat = {
  begins: /^\$argon2id?\$/,
  read: (text) => argon2Hash(argon2Parts(text)),
};

/**
 * Reads a PHC string that this service may have produced, at any cost it could be configured to.
 * @throws PasswordHashRefused if the text is malformed or exceeds `ownBudget`
 */
export function readOwnArgon2(text: string): PasswordHash {
  return argon2Hash(argon2Parts(text), ownBudget);
}

function argon2Parts(text: string): Argon2Hash {
  const layout = "version, m, t and p, salt and digest";
  const { type, version = "16", m, t, p, more, salt = "", tag = "" } = partsOf(text, form, "argon2", layout);
  if (more !== undefined) {
    throw malformed("argon2", "parameters other than m, t and p are not supported, such as a secret key");
  }
  return {
    type: type === "argon2i" ? "argon2i" : "argon2id",
    version: argon2Version(version),
    memoryKib: Number(m),
    iterations: Number(t),
    parallelism: Number(p),
    salt: fromBase64(salt, "argon2"),
    tag: fromBase64(tag, "argon2"),
  };
}

/** @throws PasswordHashRefused if a parameter or length is out of bounds */
export function argon2Hash(
  hash: Argon2Hash,
  most: Readonly<Record<keyof typeof budget.argon2, number>> = budget.argon2,
): PasswordHash {
  const { type, version, memoryKib, iterations, parallelism, salt, tag } = hash;
  costWithin("argon2 parallelism", parallelism, 1, most.parallelism);
  costWithin("argon2 memory in KiB", memoryKib, 8 * parallelism, most.memoryKib);
  costWithin(
    "argon2 iterations for this memory",
    iterations,
    1,
    Math.floor(most.memoryKibPasses / memoryKib),
  );
  lengthWithin("salt", salt, 8, budget.saltBytes);
  lengthWithin("digest", tag, budget.digestBytes.least, budget.digestBytes.most);
  const cost = `$${type}$v=${version}$m=${memoryKib},t=${iterations},p=${parallelism}$`;
  const options = {
    algorithm: algorithms[type],
    version: versions[version],
    memoryCost: memoryKib,
    timeCost: iterations,
    parallelism,
    outputLen: tag.length,
    salt,
  };
  return {
    text: `${cost}${toBase64(salt)}$${toBase64(tag)}`,
    cost,
    effort: { of: "argon2", memoryKib, iterations },
    matches: async (password) => areSame(await hashRaw(password, options), tag),
  };
}

/**
 * @param text a decimal number, or as Keycloak writes it
 * @throws PasswordHashRefused if it is not a known version
 */
export function argon2Version(text: unknown): Argon2Hash["version"] {
  if (text === "16" || text === "1.0") return 16;
  if (text === "19" || text === "1.3") return 19;
  throw malformed("argon2", "its version must be 16 (1.0) or 19 (1.3)");
}

/**
 * The type for the suffix that Keycloak writes.
 * @throws PasswordHashRefused if it is not "id" or "i"
 */
export function argon2Type(ending: unknown): Argon2Hash["type"] {
  if (ending === "id") return "argon2id";
  if (ending === "i") return "argon2i";
  throw malformed("argon2", "its type must be id or i");
}
