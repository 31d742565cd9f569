import { isUtf8 } from "node:buffer";

/** The first bytes of a text that are not UTF-8. */
export interface InvalidUtf8 {
  /** The number of bytes before them. */
  readonly offset: number;
  /** The probable encoding of the text, such as "UTF-16LE". */
  readonly looksLike: string;
}

/** Finds the first bytes that are not UTF-8 (RFC 3629), or undefined if there are none. */
export function findInvalidUtf8(bytes: Uint8Array): InvalidUtf8 | undefined {
  if (isUtf8(bytes)) return undefined;
  // Finds the longest prefix that is UTF-8: a streaming decoder does not treat a sequence cut off at the end as an
  // error.
  let [valid, invalid] = [0, bytes.length + 1];
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >>> 1;
    if (decodesSoFar(bytes.subarray(0, middle))) valid = middle;
    else invalid = middle;
  }
  const offset = Buffer.byteLength(new TextDecoder().decode(bytes.subarray(0, valid), { stream: true }));
  const position = offset + markLength(bytes);
  return { offset: position, looksLike: likelyEncoding(bytes, position) };
}

/** A message for the sender of the text: "not UTF-8 at byte 28, looks like Latin-1". */
export function describeInvalidUtf8({ offset, looksLike }: InvalidUtf8): string {
  return `not UTF-8 at byte ${offset}, looks like ${looksLike}`;
}

function decodesSoFar(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** The length of a byte order mark, which the decoder drops. */
function markLength(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

function likelyEncoding(bytes: Uint8Array, invalidAt: number): string {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return "gzip";
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "UTF-16LE";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "UTF-16BE";
  // A lone surrogate, as CESU-8 and incorrect encoders write it.
  if (bytes[invalidAt] === 0xed && (bytes[invalidAt + 1] ?? 0) >= 0xa0) return "CESU-8";
  const zeros = [0, 0];
  const start = bytes.subarray(0, 1024);
  for (const [i, byte] of start.entries()) if (byte === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1;
  if ((zeros[1] ?? 0) > start.length / 4) return "UTF-16LE";
  if ((zeros[0] ?? 0) > start.length / 4) return "UTF-16BE";
  // Windows-1252 has letters and punctuation in 0x80 to 0x9f, where Latin-1 has control characters.
  return bytes.subarray(invalidAt).some((byte) => byte >= 0x80 && byte <= 0x9f) ? "Windows-1252" : "Latin-1";
}
