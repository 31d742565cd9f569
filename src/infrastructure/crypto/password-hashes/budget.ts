import { PasswordHashRefused } from "./password-hash.ts";

/**
 * What the check of one hash of another system may cost at all, whatever AUTH_IMPORT_… was when it was imported: about two seconds of a core and 256 MiB, as measured in
 * docs/decisions/0017-foreign-hashes.md. The costs are in the hash, so that without bounds one row could stop the service.
 */
export const budget = {
  /** KiB of memory, and KiB times passes. */
  argon2: { memoryKib: 256 * 1024, memoryKibPasses: 4 * 1024 * 1024, parallelism: 16 },
  /** The logarithm of the rounds. */
  bcrypt: { cost: 15 },
  /** N times r is memory in units of 128 bytes; times p it is time. */
  scrypt: { memory: 2 ** 21, work: 2 ** 22, blockSize: 32, parallelism: 32 },
  /** Iterations times blocks of output. */
  pbkdf2: { iterations: 4_000_000 },
  /** Rounds of the loops that run as JavaScript, and what of a password goes into each: longer ones do not match. */
  loops: { rounds: 1_000_000, passwordBytes: 256 },
  /** Bytes of what is not a cost. */
  saltBytes: 128,
  digestBytes: { least: 16, most: 128 },
  /** Characters of a text that is looked at at all. */
  textLength: 1024,
} as const;

/** What argon2id of this service's own may cost: whatever it can be set to make it can check (settings.ts). */
export const ownBudget = { memoryKib: 4_194_304, memoryKibPasses: 100 * 4_194_304, parallelism: 16 } as const;

/** A whole number that a hash names as one of its costs. @throws PasswordHashRefused where it is beyond the bounds */
export function costWithin(what: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new PasswordHashRefused(`asks for more or less than is checked: ${what} must be ${least} to ${most}`);
}

/** @throws PasswordHashRefused for a salt or digest whose length is not supported */
export function lengthWithin(what: string, { length }: Uint8Array, least: number, most: number): void {
  if (length >= least && length <= most) return;
  const range = least === most ? `${least}` : `${least} to ${most}`;
  throw new PasswordHashRefused(`has a ${what} of ${length} bytes; it must have ${range}`);
}
