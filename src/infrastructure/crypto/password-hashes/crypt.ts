import { budget, costWithin } from "./budget.ts";
import { cryptDigit, toCrypt64 } from "./encodings.ts";
import { type LoopJob, runLoop } from "./loops/loop-threads.ts";
import {
  areSame,
  malformed,
  type PasswordHash,
  type PasswordHashFormat,
  PasswordHashRefused,
  partsOf,
} from "./password-hash.ts";

/** The order in which the bytes of a digest are written. */
const md5Order = [12, 6, 0, 13, 7, 1, 14, 8, 2, 15, 9, 3, 5, 10, 4, 11];
const sha256Order = [...turning(10, 1), 30, 31];
const sha512Order = [...turning(21, 2), 63];

const md5Form = /^\$(?<magic>1|apr1|md5-crypt)\$(?<salt>[!-#%-~]{0,8})\$(?<digest>[./A-Za-z0-9]{22})$/;
const shaForm =
  /^\$(?<name>5|6|sha256-crypt|sha512-crypt)\$(?:rounds=(?<rounds>\d{1,10})\$)?(?<salt>[!-#%-~]{0,16})\$(?<digest>[./A-Za-z0-9]+)$/;
const phpassForm = /^\$(?<magic>[PHS])\$(?<rounds>.)(?<salt>[!-#%-~]{8})(?<digest>[./A-Za-z0-9]+)$/;

/** `$1$` of md5-crypt, Apache's `$apr1$`, and `$md5-crypt$` as Kratos writes `$1$`: 1,000 rounds. */
export const md5Crypt: PasswordHashFormat = {
  begins: /^\$(1|apr1|md5-crypt)\$/,
  read(text) {
    const {
      magic,
      salt = "",
      digest = "",
    } = partsOf(text, md5Form, "md5-crypt", "a salt of up to 8 characters and a digest of 22");
    const before = magic === "apr1" ? "$apr1$" : "$1$";
    return loopHash({
      text: `${before}${salt}$${digest}`,
      cost: before,
      digest,
      job: { loop: "md5-crypt", magic: before, salt: Buffer.from(salt) },
      write: (bytes) => toCrypt64(inOrder(bytes, md5Order)),
    });
  },
};

/** `$5$` and `$6$` of SHA-crypt, also as Kratos writes them. The default without `rounds=` is 5,000. */
export const shaCrypt: PasswordHashFormat = {
  begins: /^\$(5|6|sha256-crypt|sha512-crypt)\$/,
  read(text) {
    const layout = "optional rounds, a salt of up to 16 characters and a digest";
    const { name = "", rounds, salt = "", digest = "" } = partsOf(text, shaForm, "SHA-crypt", layout);
    const is512 = name === "6" || name === "sha512-crypt";
    assertDigits("SHA-crypt", digest, is512 ? 86 : 43);
    const count = costWithin("SHA-crypt rounds", Number(rounds ?? 5_000), 1_000, budget.loops.rounds);
    const before = is512 ? "$6$" : "$5$";
    return loopHash({
      text: `${before}${rounds === undefined ? "" : `rounds=${count}$`}${salt}$${digest}`,
      cost: `${before}rounds=${count}$`,
      digest,
      job: {
        loop: "sha-crypt",
        digest: is512 ? "sha512" : "sha256",
        salt: Buffer.from(salt),
        rounds: count,
      },
      write: (bytes) => toCrypt64(inOrder(bytes, is512 ? sha512Order : sha256Order)),
    });
  },
};

/**
 * The portable hashes of phpass: `$P$` (WordPress), `$H$` (phpBB), and `$S$` with SHA-512, cut to 43 digits (Drupal 7
 * to 10).
 */
export const phpass: PasswordHashFormat = {
  begins: /^\$[PHS]\$/,
  read(text) {
    const layout = "rounds, a salt of 8 characters and a digest";
    const { magic, rounds, salt = "", digest = "" } = partsOf(text, phpassForm, "phpass", layout);
    const isDrupal = magic === "S";
    const length = isDrupal ? 43 : 22;
    assertDigits("phpass", digest, length);
    const most = Math.floor(Math.log2(budget.loops.rounds));
    const logRounds = costWithin("the logarithm of phpass rounds", cryptDigit(rounds), 7, most);
    return loopHash({
      text: `$${isDrupal ? "S" : "P"}$${rounds}${salt}${digest}`,
      cost: `$${isDrupal ? "S" : "P"}$${rounds}`,
      digest,
      job: {
        loop: "phpass",
        digest: isDrupal ? "sha512" : "md5",
        salt: Buffer.from(salt),
        rounds: 2 ** logRounds,
      },
      write: (bytes) => toCrypt64(bytes).slice(0, length),
    });
  },
};

interface LoopHash {
  readonly text: string;
  readonly cost: string;
  readonly digest: string;
  readonly job: LoopJob;
  /** Encodes the digest in the digits of its format. */
  readonly write: (bytes: Uint8Array) => string;
}

function loopHash({ text, cost, digest, job, write }: LoopHash): PasswordHash {
  const expected = Buffer.from(digest);
  // No implementation writes a digest whose last digit has its spare bits set.
  if (cryptDigit(digest.at(-1)) >= lastDigits(digest.length, job.loop))
    throw new PasswordHashRefused("has a digest that no implementation writes");
  return {
    text,
    cost,
    effort: { of: "loop", rounds: "rounds" in job ? job.rounds : 1_000 },
    async matches(password) {
      const most = budget.loops.passwordBytes;
      const bytes = await runLoop(job, password.subarray(0, most));
      return areSame(Buffer.from(write(bytes)), expected) && password.length <= most;
    },
  };
}

function assertDigits(format: string, { length }: string, expected: number): void {
  if (length !== expected)
    throw malformed(format, `its digest has ${length} characters instead of ${expected}`);
}

/**
 * Number of digits that can be the last: 22 digits hold 128 bits, 86 hold 512, and 43 hold 256 or are cut from 86.
 */
function lastDigits(length: number, loop: LoopJob["loop"]): number {
  if (length !== 43) return 4;
  return loop === "phpass" ? 64 : 16;
}

function inOrder(bytes: Uint8Array, order: readonly number[]): Uint8Array {
  return Uint8Array.from(order, (index) => bytes[index] ?? 0);
}

/**
 * SHA-crypt writes groups of three bytes that are a third of the digest apart, each group rotated `by` places more
 * than the one before.
 */
function turning(third: number, by: 1 | 2): number[] {
  return Array.from({ length: third }, (_, first) => {
    const three = [first + 2 * third, first + third, first];
    const turn = (first * by) % 3;
    return [...three.slice(turn), ...three.slice(0, turn)];
  }).flat();
}
