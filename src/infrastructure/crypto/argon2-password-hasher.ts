import { randomBytes } from "node:crypto";
import { hash, type Options, verify } from "@node-rs/argon2";
import type { Call } from "../../domain/call.ts";
import type { PasswordHasher } from "../../domain/credential/password-hasher.ts";
import type { HashPool } from "./hash-pool.ts";

/** What one argon2id hash costs (RFC 9106). Floor and default: OWASP Password Storage, 19 MiB, t=2, p=1. */
export interface Argon2Cost {
  readonly memoryKib: number;
  readonly iterations: number;
  readonly parallelism: number;
}

const saltLength = 16;
const tagLength = 32;

/** Hashes passwords by argon2id into PHC strings, as many at once as its pool allows. */
export class Argon2PasswordHasher implements PasswordHasher {
  readonly #pool: HashPool;
  readonly #options: Options;
  /** How a PHC string of the present cost begins. */
  readonly #prefix: string;
  readonly #dummy: string;

  constructor(pool: HashPool, { memoryKib, iterations, parallelism }: Argon2Cost) {
    this.#pool = pool;
    // The package's default algorithm is argon2id, and its enum exists in types only.
    this.#options = {
      memoryCost: memoryKib,
      timeCost: iterations,
      parallelism,
      outputLen: tagLength,
    };
    this.#prefix = `$argon2id$v=19$m=${memoryKib},t=${iterations},p=${parallelism}$`;
    // Well-formed, and the hash of nothing: no password is found by trying.
    this.#dummy = `${this.#prefix}${unpadded(randomBytes(saltLength))}$${unpadded(randomBytes(tagLength))}`;
  }

  assertRoom(): void {
    this.#pool.assertRoom();
  }

  hash(call: Call, password: string): Promise<string> {
    return this.#pool.run(call, () => hash(password, { ...this.#options, salt: randomBytes(saltLength) }));
  }

  async verify(call: Call, password: string, passwordHash: string | undefined): Promise<boolean> {
    const matches = await this.#pool.run(call, () => verify(passwordHash ?? this.#dummy, password));
    return matches && passwordHash !== undefined;
  }

  isOutdated(passwordHash: string): boolean {
    return !passwordHash.startsWith(this.#prefix);
  }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}
