import { PasswordHashRefused } from "./password-hash.ts";

/**
 * Upper limits on checking one foreign hash, regardless of the AUTH_IMPORT_… settings at its import: about two
 * seconds of a core and 256 MiB, as measured in docs/decisions/0017-foreign-hashes.md. The costs are parameters in
 * the hash, so without limits one row could stop the service.
 */
export const budget = {
  /** KiB of memory, and KiB times passes. */
  argon2: { memoryKib: 256 * 1024, memoryKibPasses: 4 * 1024 * 1024, parallelism: 16 },
  /** The base-2 logarithm of the rounds. */
  bcrypt: { cost: 15 },
  /** N times r is the memory in units of 128 bytes; that times p is the work. */
  scrypt: { memory: 2 ** 21, work: 2 ** 22, blockSize: 32, parallelism: 32 },
  /** Iterations times blocks of output. */
  pbkdf2: { iterations: 4_000_000 },
  /**
   * Limits of the loops in JavaScript: rounds, and bytes of the password hashed in each; longer passwords do not
   * match.
   */
  loops: { rounds: 1_000_000, passwordBytes: 256 },
  /** Limits in bytes on the parts that are not costs. */
  saltBytes: 128,
  digestBytes: { least: 16, most: 128 },
  /** Maximum number of characters in a text; longer texts are refused unread. */
  textLength: 1024,
} as const;

/** Limits on this service's own argon2id hashes: every cost that it can be configured to (settings.ts) is allowed. */
export const ownBudget = { memoryKib: 4_194_304, memoryKibPasses: 100 * 4_194_304, parallelism: 16 } as const;

/**
 * Checks an integer cost parameter of a hash, and returns it.
 * @throws PasswordHashRefused if it is out of bounds
 */
export function costWithin(what: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new PasswordHashRefused(`asks for more or less than is checked: ${what} must be ${least} to ${most}`);
}

/** @throws PasswordHashRefused if the length of a salt or digest is not supported */
export function lengthWithin(what: string, { length }: Uint8Array, least: number, most: number): void {
  if (length >= least && length <= most) return;
  const range = least === most ? `${least}` : `${least} to ${most}`;
  throw new PasswordHashRefused(`has a ${what} of ${length} bytes; it must have ${range}`);
}
