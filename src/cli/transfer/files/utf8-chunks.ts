import { StartError } from "../../../infrastructure/process/start-error.ts";
import { withHead } from "./chunk-head.ts";

/** Text as UTF-8. Invalid text in the file becomes invalid UTF-8. */
export interface Utf8Text {
  readonly encoding: "UTF-8" | "UTF-16LE" | "UTF-16BE";
  /** The length of the byte order mark, which is omitted. */
  readonly markBytes: number;
  readonly chunks: AsyncIterable<Buffer>;
}

/** First bytes, in hexadecimal, of files that are not text in UTF-8, or in UTF-16 with a byte order mark. */
const unsupported: readonly (readonly [start: RegExp, what: string])[] = [
  [/^(fffe0000|0000feff|000000|..000000)/, "UTF-32; convert it to UTF-8"],
  [/^(?!00)..00/, "UTF-16LE without a byte order mark; convert it to UTF-8"],
  [/^00/, "UTF-16BE without a byte order mark; convert it to UTF-8"],
  [/^504b0[35]/, "a ZIP archive or a spreadsheet; unpack it, or save the sheet as CSV in UTF-8"],
  [/^(1f8b|425a68|fd377a58|28b52ffd)/, "compressed; decompress it, or compress it once with gzip"],
];

/** Reads the byte order mark. @throws StartError if the file is in none of the encodings of Utf8Text */
export async function utf8Text(name: string, file: AsyncIterable<Buffer>): Promise<Utf8Text> {
  const { head, chunks } = await withHead(file, 4);
  const start = head.toString("hex", 0, 4);
  const found = unsupported.find(([pattern]) => pattern.test(start));
  if (found !== undefined) throw new StartError(`${name}: looks like ${found[1]}`);
  if (start.startsWith("fffe")) {
    return { encoding: "UTF-16LE", markBytes: 2, chunks: fromUtf16(skip(chunks, 2), false) };
  }
  if (start.startsWith("feff")) {
    return { encoding: "UTF-16BE", markBytes: 2, chunks: fromUtf16(skip(chunks, 2), true) };
  }
  const markBytes = start.startsWith("efbbbf") ? 3 : 0;
  return { encoding: "UTF-8", markBytes, chunks: skip(chunks, markBytes) };
}

async function* skip(chunks: AsyncIterable<Buffer>, count: number): AsyncGenerator<Buffer> {
  let left = count;
  for await (const chunk of chunks) {
    yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

async function* fromUtf16(chunks: AsyncIterable<Buffer>, isBigEndian: boolean): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  const units = (bytes: Buffer) => (isBigEndian ? Buffer.from(bytes).swap16() : bytes).toString("utf16le");
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk]);
    let length = bytes.length & ~1;
    // The second half of a surrogate pair may be in the next chunk.
    const last = length > 0 ? bytes[isBigEndian ? length - 2 : length - 1]! : 0;
    if (last >= 0xd8 && last <= 0xdb) length -= 2;
    rest = bytes.subarray(length);
    if (length > 0) yield utf8Of(units(bytes.subarray(0, length)));
  }
  if (rest.length > 0) yield halfPair;
}

/** U+D800 as CESU-8 encodes it: invalid UTF-8, as a lone surrogate is invalid UTF-16. */
const halfPair = Buffer.from([0xed, 0xa0, 0x80]);

function utf8Of(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text);
  const parts = text.split(/\p{Surrogate}/u).map((part) => Buffer.from(part));
  return Buffer.concat(parts.flatMap((part, n) => (n === 0 ? [part] : [halfPair, part])));
}
