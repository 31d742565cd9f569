import { malformed } from "./password-hash.ts";

/**
 * Decodes base64 (RFC 4648 §4 and §5, and with passlib's "." for "+"), padded or not. Unused bits must be 0: any
 * other text was changed after it was encoded.
 * @throws PasswordHashRefused if the text is not such base64
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

/**
 * Decodes hexadecimal digits if there are exactly two for each of `length` bytes, otherwise base64.
 * @throws PasswordHashRefused if the text is neither
 */
export function fromHexOrBase64(text: string, length: number, format: string): Buffer {
  const isHex = text.length === 2 * length && hexDigits.test(text);
  return isHex ? Buffer.from(text, "hex") : fromBase64(text, format);
}

/** Base64 without padding, as in PHC strings. */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64").replace(/=+$/, "");
}

const hexDigits = /^([0-9a-f]{2})*$/i;

/**
 * Decodes hexadecimal digits.
 * @throws PasswordHashRefused if the text is not pairs of them
 */
export function fromHex(text: string, format: string): Buffer {
  if (!hexDigits.test(text)) throw malformed(format, "its digest is not pairs of hexadecimal digits");
  return Buffer.from(text, "hex");
}

/** The digits of crypt(3), lowest value first. */
const digits = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** The value of a digit of crypt(3); -1 if it is not one. */
export function cryptDigit(digit: string | undefined): number {
  return digit === undefined || digit === "" ? -1 : digits.indexOf(digit);
}

/** Encodes a number in `length` digits of crypt(3), least significant first. */
export function toCryptNumber(value: number, length: number): string {
  return Array.from({ length }, (_, index) => digits[Math.floor(value / 64 ** index) % 64]).join("");
}

/** Decodes a number in digits of crypt(3), least significant first; NaN if a character is not a digit. */
export function fromCryptNumber(text: string): number {
  return [...text].reduceRight((sum, digit) => {
    const value = cryptDigit(digit);
    return value < 0 ? Number.NaN : sum * 64 + value;
  }, 0);
}

/**
 * Encodes bytes in the base64 of crypt(3): three bytes, least significant first, form a number in four digits, least
 * significant first.
 */
export function toCrypt64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const three = bytes.subarray(at, at + 3);
    const value = three.reduceRight((sum, byte) => sum * 256 + byte, 0);
    text += toCryptNumber(value, three.length + 1);
  }
  return text;
}

/**
 * Decodes a text that `toCrypt64` produces.
 * @throws PasswordHashRefused if the text is not one
 */
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
