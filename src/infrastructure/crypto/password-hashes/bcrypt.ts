import { createHmac, hash } from "node:crypto";
import { verify } from "@node-rs/bcrypt";
import { budget, costWithin } from "./budget.ts";
import {
  malformed,
  type PasswordHash,
  type PasswordHashFormat,
  PasswordHashRefused,
} from "./password-hash.ts";

/** Bytes of a password that bcrypt processes. */
const mostBytes = 72;

const form =
  /^\$2(?<version>[aby])\$(?<cost>\d\d)\$(?<salt>[./A-Za-z0-9]{21}[.Oeu])(?<digest>[./A-Za-z0-9]{30}[.CGKOSWaeimquy26])$/;

/**
 * Bcrypt processes 72 bytes and ignores the rest, and its first implementations in C stopped at a NUL. Here a
 * password beyond either limit never matches, although the full work is done for it: see
 * docs/decisions/0017-foreign-hashes.md.
 *
 * `$2x$`, and `$2a$` from PHP before 2011, are from a faulty implementation, which is not reproduced here.
 */
export const bcrypt: PasswordHashFormat = {
  begins: /^\$2[abxy]?\$/,
  read: (text) =>
    bcryptHash(text, "", (password) => ({
      bytes: password,
      isWhole: password.length <= mostBytes && !password.includes(0),
    })),
};

/**
 * `$bcrypt-cut$` before a bcrypt hash. With it the importer states that the other system truncated passwords to 72
 * bytes, so users with a longer one can still sign in. It applies until their next sign-in, which hashes the whole
 * password that they enter.
 */
export const cutBcrypt: PasswordHashFormat = {
  begins: /^\$bcrypt-cut\$/,
  read: (text) =>
    bcryptHash(text.slice("$bcrypt-cut".length), "$bcrypt-cut", (password) => ({
      bytes: password,
      isWhole: !password.includes(0),
    })),
};

/**
 * WordPress since 6.8: `$wp` before a bcrypt hash of the base64 of an HMAC-SHA-384, without white space around the
 * password.
 */
export const wordPressBcrypt: PasswordHashFormat = {
  begins: /^\$wp\$2y\$/,
  read: (text) =>
    bcryptHash(text.slice("$wp".length), "$wp", (password) => {
      const code = createHmac("sha384", "wp-sha384").update(trimmed(password)).digest("base64");
      return { bytes: Buffer.from(code), isWhole: true };
    }),
};

/** Django's BCryptSHA256PasswordHasher: `bcrypt_sha256$` before a bcrypt hash of SHA-256 in hexadecimal. */
export const djangoBcrypt: PasswordHashFormat = {
  begins: /^bcrypt_sha256\$/,
  read: (text) =>
    bcryptHash(text.slice("bcrypt_sha256$".length), "bcrypt_sha256$", (password) => ({
      bytes: Buffer.from(hash("sha256", password, "hex")),
      isWhole: true,
    })),
};

type Preparation = (password: Buffer) => { readonly bytes: Buffer; readonly isWhole: boolean };

function bcryptHash(text: string, before: string, prepare: Preparation): PasswordHash {
  const cost = form.exec(text)?.groups?.["cost"];
  if (cost === undefined) throw faultOf(text);
  costWithin("bcrypt cost", Number(cost), 4, budget.bcrypt.cost);
  return {
    text: `${before}${text}`,
    cost: `${before}$bcrypt$${cost}`,
    effort: { of: "bcrypt", cost: Number(cost) },
    async matches(password) {
      const { bytes, isWhole } = prepare(password);
      return (await verify(bytes.subarray(0, mostBytes), text)) && isWhole;
    },
  };
}

function faultOf(text: string): PasswordHashRefused {
  if (/^\$2x?\$/.test(text)) {
    return new PasswordHashRefused("is of a version of bcrypt that is not supported: expected 2a, 2b or 2y");
  }
  if (text.length !== 60) return malformed("bcrypt", `it has ${text.length} characters instead of 60`);
  return malformed("bcrypt", "its salt or digest has characters that no implementation writes");
}

/** Like PHP's trim: removes spaces, tabs, line ends, NUL and vertical tabs. */
function trimmed(password: Buffer): Buffer {
  const isBlank = (byte: number | undefined) => byte !== undefined && [0x20, 9, 10, 13, 0, 11].includes(byte);
  let [start, end] = [0, password.length];
  while (start < end && isBlank(password[start])) start++;
  while (end > start && isBlank(password[end - 1])) end--;
  return password.subarray(start, end);
}
