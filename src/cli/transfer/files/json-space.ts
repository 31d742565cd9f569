import type { ByteWindow } from "./byte-window.ts";

const lineFeed = 0x0a;
const mark = Buffer.from("\uFEFF");

/**
 * Consumes whitespace between values, and byte order marks of concatenated files. Returns the width of the indentation
 * before the next byte, or undefined at the end of the file.
 */
export async function skipSpace(window: ByteWindow): Promise<number | undefined> {
  let indentation = 0;
  while (window.bytes.length > 0 || (await window.load())) {
    const { bytes } = window;
    let at = 0;
    while (at < bytes.length && isSpace(bytes[at]!)) at += 1;
    const lineStart = bytes.subarray(0, at).lastIndexOf(lineFeed) + 1;
    indentation = lineStart === 0 ? indentation + at : at - lineStart;
    window.consume(at);
    if (at === bytes.length) continue;
    if (bytes[at] !== mark[0]) return indentation;
    while (window.bytes.length < mark.length && (await window.load()));
    if (!window.bytes.subarray(0, mark.length).equals(mark)) return indentation;
    window.consume(mark.length);
  }
  return undefined;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === lineFeed || byte === 0x0d;
}
