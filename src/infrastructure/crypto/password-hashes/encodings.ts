import { malformed } from "./password-hash.ts";

/**
 * Bytes of base64 (RFC 4648 §4 and §5, and with passlib's "." for "+"), padded or not. Unused bits must be 0: any other text
 * was changed after it was encoded.
 * @throws PasswordHashRefused
 */
export function fromBase64(text: string, format: string): Buffer {
  const bare = text
    .replace(/={1,2}$/, "")
    .replace(/[-.]/g, "+")
    .replaceAll("_", "/");
  const bytes = Buffer.from(bare, "base64");
  if (toBase64(bytes) === bare) return bytes;
  const isBase64 = /^[A-Za-z0-9+/]*$/.test(bare);
  throw malformed(format, isBase64 ? "its base64 ends inside a byte" : "a part of it is not base64");
}

/** Bytes of hexadecimal digits if there are exactly two for each byte, else of base64. @throws PasswordHashRefused */
export function fromHexOrBase64(text: string, length: number, format: string): Buffer {
  const isHex = text.length === 2 * length && hexDigits.test(text);
  return isHex ? Buffer.from(text, "hex") : fromBase64(text, format);
}

/** Base64 without padding, as PHC strings have it. */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64").replace(/=+$/, "");
}

const hexDigits = /^([0-9a-f]{2})*$/i;

/** Bytes of hexadecimal digits. @throws PasswordHashRefused */
export function fromHex(text: string, format: string): Buffer {
  if (!hexDigits.test(text)) throw malformed(format, "its digest is not pairs of hexadecimal digits");
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
  if (toCrypt64(read) !== text) throw malformed(format, "its digest is not in the base64 of crypt(3)");
  return read;
}
