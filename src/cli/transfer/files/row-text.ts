import { isUtf8 } from "node:buffer";
import { describeInvalidUtf8, findInvalidUtf8 } from "../../../infrastructure/text/utf8.ts";
import type { ByteWindow } from "./byte-window.ts";

/** The text of a row, or of a part of it. */
export interface RowText {
  readonly text: string;
  /** Why it cannot be read, and the encoding that `text` was read as instead. */
  readonly fault?: { readonly message: string; readonly decodedAs: string };
}

/** Decodes loaded bytes. Bytes that are not UTF-8 are a fault and never become U+FFFD. */
export function rowText(window: ByteWindow, from: number, to: number): RowText {
  const bytes = window.bytes.subarray(from, to);
  if (isUtf8(bytes)) return { text: bytes.toString() };
  const found = findInvalidUtf8(bytes)!;
  const { offset, looksLike } = found;
  const message =
    window.encoding === "UTF-8"
      ? describeInvalidUtf8({ offset: window.offset + from + offset, looksLike })
      : `not ${window.encoding}: half a surrogate pair`;
  // Every byte is a character in Windows-1252, and its letters match those of Latin-1.
  const isLatin = looksLike === "Latin-1" || looksLike === "Windows-1252";
  if (isLatin) {
    return {
      text: new TextDecoder("windows-1252").decode(bytes),
      fault: { message, decodedAs: looksLike },
    };
  }
  // An import refuses NUL everywhere, so the bytes that were lost here cannot pass for data.
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes).replaceAll("\uFFFD", "\0");
  return { text, fault: { message, decodedAs: "UTF-8 with U+0000 for invalid bytes" } };
}
