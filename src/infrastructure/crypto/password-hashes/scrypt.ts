import { scrypt as nodeScrypt } from "node:crypto";
import { promisify } from "node:util";
import { budget, costWithin, lengthWithin } from "./budget.ts";
import type { Effort } from "./effort.ts";
import { fromBase64, fromCrypt64, fromCryptNumber, toBase64 } from "./encodings.ts";
import { areSame, type PasswordHash, type PasswordHashFormat, partsOf } from "./password-hash.ts";

export interface ScryptCost {
  /** The base-2 logarithm of N. */
  readonly logN: number;
  readonly blockSize: number;
  readonly parallelism: number;
}

const derive = promisify<Buffer, Buffer, number, object, Buffer>(nodeScrypt);

const form =
  /^\$scrypt\$ln=(?<ln>\d{1,10}),r=(?<r>\d{1,8}),p=(?<p>\d{1,8})\$(?<salt>[^$]*)\$(?<digest>[^$]*)$/;
const cryptForm = /^\$7\$(?<n>.)(?<r>.{5})(?<p>.{5})(?<salt>[!-#%-~]*)\$(?<digest>[./A-Za-z0-9]{43})$/;

/** Scrypt (RFC 7914) as written by passlib, and by Kratos, whose `ln` is N itself. */
export const scrypt: PasswordHashFormat = {
  begins: /^\$scrypt\$/,
  read(text) {
    const {
      ln,
      r,
      p,
      salt = "",
      digest = "",
    } = partsOf(text, form, "scrypt", "ln, r and p, salt and digest");
    // No system uses so small an N or so large a logarithm.
    const logN = Number(ln) > 31 ? Math.log2(Number(ln)) : Number(ln);
    const cost = scryptCost({ logN, blockSize: Number(r), parallelism: Number(p) });
    return scryptHash(cost, fromBase64(salt, "scrypt"), fromBase64(digest, "scrypt"));
  },
};

/** The `$7$` of crypt(5): the costs in digits of crypt(3), the salt as plain text. */
export const scryptCrypt: PasswordHashFormat = {
  begins: /^\$7\$/,
  read(text) {
    const {
      n = "",
      r = "",
      p = "",
      salt = "",
      digest = "",
    } = partsOf(text, cryptForm, "scrypt", "costs, salt and a digest of 43 characters");
    const cost = scryptCost({
      logN: fromCryptNumber(n),
      blockSize: fromCryptNumber(r),
      parallelism: fromCryptNumber(p),
    });
    return scryptHash(cost, Buffer.from(salt), fromCrypt64(digest, "scrypt"));
  },
};

/** @throws PasswordHashRefused if the cost is beyond the budget */
export function scryptCost(cost: ScryptCost): ScryptCost {
  const { logN, blockSize, parallelism } = cost;
  const most = budget.scrypt;
  costWithin("scrypt r", blockSize, 1, most.blockSize);
  costWithin("scrypt p", parallelism, 1, most.parallelism);
  const work = Math.min(most.memory / blockSize, most.work / (blockSize * parallelism));
  costWithin("the logarithm of scrypt N for this r and p", logN, 1, Math.floor(Math.log2(work)));
  return cost;
}

export function scryptEffort({ logN, blockSize, parallelism }: ScryptCost): Effort {
  const memory = 2 ** logN * blockSize;
  return { of: "scrypt", memory, work: memory * parallelism };
}

/** Derives `length` bytes with scrypt, on one of libuv's threads. */
export function deriveByScrypt(
  password: Buffer,
  salt: Buffer,
  length: number,
  cost: ScryptCost,
): Promise<Buffer> {
  const options = { N: 2 ** cost.logN, r: cost.blockSize, p: cost.parallelism, maxmem: 2 ** 30 };
  return derive(password, salt, length, options);
}

/** The costs as they are written in a hash. */
export function toScryptText({ logN, blockSize, parallelism }: ScryptCost): string {
  return `ln=${logN},r=${blockSize},p=${parallelism}`;
}

/** @throws PasswordHashRefused if the length of salt or digest is not supported */
export function scryptHash(cost: ScryptCost, salt: Buffer, digest: Buffer): PasswordHash {
  lengthWithin("salt", salt, 1, budget.saltBytes);
  lengthWithin("digest", digest, budget.digestBytes.least, budget.digestBytes.most);
  const text = `$scrypt$${toScryptText(cost)}$`;
  return {
    text: `${text}${toBase64(salt)}$${toBase64(digest)}`,
    cost: text,
    effort: scryptEffort(cost),
    matches: async (password) => areSame(await deriveByScrypt(password, salt, digest.length, cost), digest),
  };
}
