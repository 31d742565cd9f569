import { garbled } from "./password-hash.ts";

/**
 * Bytes of base64 (RFC 4648 §4), padded or not; passlib's "." counts as "+". Only what an encoder writes is read: no two
 * texts with equal padding are the same bytes.
 * @throws PasswordHashRefused
 */
export function fromBase64(text: string, format: string): Buffer {
  const bare = text.replaceAll(".", "+").replace(/={1,2}$/, "");
  if (bare.length !== text.length && text.length % 4 !== 0) throw garbled(format);
  const bytes = Buffer.from(bare, "base64");
  if (toBase64(bytes) !== bare) throw garbled(format);
  return bytes;
}

/** Base64 without padding, as PHC strings have it. */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64").replace(/=+$/, "");
}

/** Bytes of hexadecimal digits. @throws PasswordHashRefused */
export function fromHex(text: string, format: string): Buffer {
  if (!/^([0-9a-fA-F]{2})*$/.test(text)) throw garbled(format);
  return Buffer.from(text, "hex");
}

/** The digits of crypt(3), lowest first. */
const digits = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** What a digit of crypt(3) counts, or -1. */
export function cryptDigit(digit: string | undefined): number {
  return digit === undefined || digit === "" ? -1 : digits.indexOf(digit);
}

/** A number in so many digits of crypt(3), lowest first. */
export function toCryptNumber(value: number, length: number): string {
  return Array.from({ length }, (_, index) => digits[Math.floor(value / 64 ** index) % 64]).join("");
}

/** The number that digits of crypt(3) make, lowest first; NaN where one is none. */
export function fromCryptNumber(text: string): number {
  return [...text].reduceRight((sum, digit) => {
    const value = cryptDigit(digit);
    return value < 0 ? Number.NaN : sum * 64 + value;
  }, 0);
}

/** The base64 of crypt(3): three bytes are a number, lowest first, in four digits, lowest first. */
export function toCrypt64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const three = bytes.subarray(at, at + 3);
    const value = three.reduceRight((sum, byte) => sum * 256 + byte, 0);
    text += toCryptNumber(value, three.length + 1);
  }
  return text;
}

/** The bytes of which `toCrypt64` makes this text. @throws PasswordHashRefused */
export function fromCrypt64(text: string, format: string): Buffer {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 4) {
    const four = text.slice(at, at + 4);
    const value = fromCryptNumber(four);
    for (let byte = 0; byte < four.length - 1; byte++) bytes.push(Math.floor(value / 256 ** byte) % 256);
  }
  const read = Buffer.from(bytes);
  if (toCrypt64(read) !== text) throw garbled(format);
  return read;
}
