import { randomBytes } from "node:crypto";
import { hash, type Options } from "@node-rs/argon2";
import type { Call } from "../../domain/call.ts";
import type { PasswordAttempt, PasswordHasher } from "../../domain/credential/password-hasher.ts";
import type { PasswordHashes, PasswordHashVerdict } from "../../domain/credential/password-hashes.ts";
import { DecoyHashes } from "./decoy-hashes.ts";
import type { HashPool } from "./hash-pool.ts";
import { argon2Hash, readOwnArgon2 } from "./password-hashes/argon2.ts";
import { ownBudget } from "./password-hashes/budget.ts";
import {
  assertImportable,
  defaultImportLimits,
  type ImportLimits,
  type Work,
  workOf,
} from "./password-hashes/effort.ts";
import { meansNoPassword } from "./password-hashes/no-password.ts";
import { type PasswordHash, PasswordHashRefused } from "./password-hashes/password-hash.ts";

/** The cost of an argon2id hash (RFC 9106). Minimum and default: OWASP Password Storage, 19 MiB, t=2, p=1. */
export interface Argon2Cost {
  readonly memoryKib: number;
  readonly iterations: number;
  readonly parallelism: number;
}

/** Core time in milliseconds that one place in the pool's queue stands for: one of our own hashes, at least 25 ms. */
export function unitMsOf({ memoryKib, iterations }: Argon2Cost): number {
  return Math.max(workOf({ of: "argon2", memoryKib, iterations }).ms, 25);
}

const saltLength = 16;
const tagLength = 32;

/**
 * Hashes passwords with argon2id into PHC strings, and verifies them against those and against hashes of other
 * systems (`password-hashes/`). Its pool limits how many run at once.
 */
export class Argon2PasswordHasher implements PasswordHasher, PasswordHashes {
  readonly #pool: HashPool;
  readonly #options: Options;
  /** Prefix and length of a PHC string with the current cost. */
  readonly #present: { readonly prefix: string; readonly length: number };
  readonly #decoys: DecoyHashes;
  readonly #work: Work;
  readonly #importLimits: ImportLimits;

  /** @param decoyKey 256 bits that all instances share (`DecoyHashes`) */
  constructor(
    pool: HashPool,
    cost: Argon2Cost,
    decoyKey: Buffer = randomBytes(32),
    importLimits: ImportLimits = defaultImportLimits,
  ) {
    this.#pool = pool;
    this.#importLimits = importLimits;
    // The package's default algorithm is argon2id, and its enum exists in types only.
    this.#options = {
      memoryCost: cost.memoryKib,
      timeCost: cost.iterations,
      parallelism: cost.parallelism,
      outputLen: tagLength,
    };
    // A well-formed hash with a random digest, which no guess will match.
    const salt = randomBytes(saltLength);
    const tag = randomBytes(tagLength);
    const ownDecoy = argon2Hash({ type: "argon2id", version: 19, ...cost, salt, tag }, ownBudget);
    this.#present = { prefix: ownDecoy.cost, length: ownDecoy.text.length };
    this.#work = workOf(ownDecoy.effort);
    this.#decoys = new DecoyHashes(decoyKey, ownDecoy);
  }

  assertCapacity(): void {
    this.#pool.assertCapacity();
  }

  hash(call: Call, password: string): Promise<string> {
    return this.#pool.run(call, this.#work, () =>
      hash(password, { ...this.#options, salt: randomBytes(saltLength) }),
    );
  }

  async verify(
    call: Call,
    password: string,
    passwordHash: string | undefined,
    { typed = password, name = "" }: PasswordAttempt = {},
  ): Promise<boolean> {
    const known = passwordHash === undefined ? undefined : await readStored(passwordHash);
    if (known) this.#decoys.observe(known);
    const checked = known ?? this.#decoys.pick(name);
    const candidates = typed === password ? [password] : [password, typed];
    const { ms, memoryKib } = workOf(checked.effort);
    return this.#pool.run(call, { ms: ms * candidates.length, memoryKib }, async () => {
      // Runs all checks, even if the call has been aborted: an attempt that threw after its first hash would be
      // refunded, and a refunded guess is free.
      for (const candidate of candidates) {
        const matches = await checked.matches(Buffer.from(candidate));
        if (matches && known) return true;
      }
      return false;
    });
  }

  isOutdated(passwordHash: string): boolean {
    const { prefix, length } = this.#present;
    return passwordHash.length !== length || !passwordHash.startsWith(prefix);
  }

  async accept(text: string): Promise<PasswordHashVerdict> {
    if (meansNoPassword(text)) return { none: true };
    try {
      const accepted = await readForeign(text);
      assertImportable(accepted.effort, this.#importLimits);
      this.#decoys.observe(accepted);
      return { stored: accepted.text };
    } catch (error) {
      if (error instanceof PasswordHashRefused) return { refusal: error.message };
      throw error;
    }
  }
}

/**
 * Reads a hash from the database. Undefined for a text that `accept` would have refused: no password matches it, and
 * a decoy is checked so that it takes as long.
 */
async function readStored(passwordHash: string): Promise<PasswordHash | undefined> {
  try {
    if (passwordHash.startsWith("$argon2id$")) return readOwnArgon2(passwordHash);
    return await readForeign(passwordHash);
  } catch (error) {
    if (error instanceof PasswordHashRefused) return undefined;
    throw error;
  }
}

let loaded: Promise<typeof import("./password-hashes/read-password-hash.ts")> | undefined;

/**
 * Loads the foreign formats on first use: most services never need them and so start 20 ms sooner. The promise is
 * kept, because `import()` takes 15 µs each time.
 */
async function readForeign(text: string): Promise<PasswordHash> {
  loaded ??= import("./password-hashes/read-password-hash.ts");
  const { readPasswordHash } = await loaded;
  return readPasswordHash(text);
}
