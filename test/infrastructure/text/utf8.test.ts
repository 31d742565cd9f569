import { describe, expect, test } from "vitest";
import { describeInvalidUtf8, findInvalidUtf8 } from "../../../src/infrastructure/text/utf8.ts";

const latin1 = (text: string) => Buffer.from(text, "latin1");

describe("bytes that are not UTF-8", () => {
  test.each(["", "Ada", "Jürg Müller", "\uFEFFZoë 🦀", "\uFFFD"])("none in %j", (text) => {
    expect(findInvalidUtf8(Buffer.from(text))).toBeUndefined();
  });

  test.each([
    ["an accent of Latin-1 in front of a letter", latin1("ab\xe9cd"), 2, "Latin-1"],
    ["at the end", latin1("ab\xe9"), 2, "Latin-1"],
    ["at the start", latin1("\xe9"), 0, "Latin-1"],
    [
      "behind characters of several bytes",
      Buffer.concat([Buffer.from("é🦀"), latin1("\xfc!")]),
      6,
      "Latin-1",
    ],
    ["behind a byte order mark", Buffer.concat([Buffer.from("\uFEFFa"), latin1("\xfc!")]), 4, "Latin-1"],
    ["curly quotes of Windows", latin1("a \x93b\x94"), 2, "Windows-1252"],
    ["half a surrogate pair", Buffer.from([0x61, 0xed, 0xa0, 0xbd]), 1, "CESU-8"],
    ["UTF-16 with a mark", Buffer.from("\uFEFFAda", "utf16le"), 0, "UTF-16LE"],
    ["UTF-16 without a mark", Buffer.from("Ada é", "utf16le"), 8, "UTF-16LE"],
    ["UTF-16, most significant byte first", Buffer.from("Ada é", "utf16le").swap16(), 9, "UTF-16BE"],
    ["gzip", Buffer.from([0x1f, 0x8b, 8]), 1, "gzip"],
  ])("%s", (_, bytes, offset, looksLike) => {
    expect(findInvalidUtf8(bytes)).toEqual({ offset, looksLike });
    expect(describeInvalidUtf8({ offset, looksLike })).toBe(
      `not UTF-8 at byte ${offset}, looks like ${looksLike}`,
    );
  });
});
