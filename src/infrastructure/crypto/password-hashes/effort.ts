import { PasswordHashRefused } from "./password-hash.ts";

/** The cost parameters of a hash. */
export type Effort =
  | { readonly of: "argon2"; readonly memoryKib: number; readonly iterations: number }
  | { readonly of: "bcrypt"; readonly cost: number }
  /** Memory is N times r; work is that times p. */
  | { readonly of: "scrypt"; readonly memory: number; readonly work: number }
  /** Iterations times blocks of output. */
  | { readonly of: "pbkdf2"; readonly iterations: number }
  | { readonly of: "loop"; readonly rounds: number }
  /** A single digest. */
  | { readonly of: "digest" };

/** The resources that a check takes: milliseconds of core time, and KiB of memory. */
export interface Work {
  readonly ms: number;
  readonly memoryKib: number;
}

/**
 * The resources that checking a hash takes, as measured for docs/decisions/0017-foreign-hashes.md; a fast core takes
 * less time.
 */
export function workOf(effort: Effort): Work {
  switch (effort.of) {
    case "argon2":
      return { ms: 0.000_43 * effort.memoryKib * effort.iterations, memoryKib: effort.memoryKib };
    case "bcrypt":
      return { ms: 0.061 * 2 ** effort.cost, memoryKib: 4 };
    case "scrypt":
      return { ms: 0.000_33 * effort.work, memoryKib: effort.memory / 8 };
    case "pbkdf2":
      return { ms: 0.000_5 * effort.iterations, memoryKib: 0 };
    case "loop":
      return { ms: 0.002 * effort.rounds, memoryKib: 0 };
    case "digest":
      return { ms: 0, memoryKib: 0 };
  }
}

/** Maximum costs of an imported hash, from the settings AUTH_IMPORT_…. */
export interface ImportLimits {
  readonly bcryptCost: number;
  readonly argon2MemoryKib: number;
  /** At that memory; a hash with half the memory may have twice as many. */
  readonly argon2Iterations: number;
  /** At r = 8 and p = 1 or 2. */
  readonly scryptLogN: number;
  /** Times blocks of output. */
  readonly pbkdf2Iterations: number;
}

export const defaultImportLimits: ImportLimits = {
  bcryptCost: 13,
  argon2MemoryKib: 131_072,
  argon2Iterations: 4,
  scryptLogN: 16,
  pbkdf2Iterations: 1_000_000,
};

/** @throws PasswordHashRefused if a hash costs more than an imported one may */
export function assertImportable(effort: Effort, limits: ImportLimits): void {
  const beyond = boundsOf(effort, limits).find(({ value, most }) => value > most);
  if (beyond === undefined) return;
  const { what, most, setting } = beyond;
  throw new PasswordHashRefused(
    `asks for more than is imported: ${what} must be at most ${most} (${setting})`,
  );
}

interface Bound {
  readonly what: string;
  readonly value: number;
  readonly most: number;
  readonly setting: string;
}

function boundsOf(effort: Effort, limits: ImportLimits): readonly Bound[] {
  switch (effort.of) {
    case "bcrypt": {
      const setting = "AUTH_IMPORT_BCRYPT_COST";
      return [{ what: "bcrypt cost", value: effort.cost, most: limits.bcryptCost, setting }];
    }
    case "argon2": {
      const { memoryKib, iterations } = effort;
      const { argon2MemoryKib, argon2Iterations } = limits;
      return [
        {
          what: "argon2 memory in KiB",
          value: memoryKib,
          most: argon2MemoryKib,
          setting: "AUTH_IMPORT_ARGON2_MEMORY",
        },
        {
          what: "argon2 iterations for this memory",
          value: iterations,
          most: Math.floor((argon2MemoryKib * argon2Iterations) / memoryKib),
          setting: "AUTH_IMPORT_ARGON2_ITERATIONS",
        },
      ];
    }
    case "scrypt": {
      const most = 2 ** (limits.scryptLogN + 3);
      const setting = "AUTH_IMPORT_SCRYPT_LOG_N";
      return [
        { what: "scrypt N times r", value: effort.memory, most, setting },
        { what: "scrypt N times r times p", value: effort.work, most: 2 * most, setting },
      ];
    }
    case "pbkdf2": {
      const what = "PBKDF2 iterations times blocks of output";
      const { pbkdf2Iterations: most } = limits;
      return [{ what, value: effort.iterations, most, setting: "AUTH_IMPORT_PBKDF2_ITERATIONS" }];
    }
    case "loop":
    case "digest":
      return [];
  }
}
