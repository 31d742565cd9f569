import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { DomainError } from "../../../src/domain/errors.ts";
import { parseUsername } from "../../../src/domain/identifier/username.ts";
import { anyString, nameLike, respell, spelling } from "./unicode-text.ts";

const key = (raw: string) => parseUsername(raw, "user.username").key;

describe("parseUsername", () => {
  it.each([
    ["lower case", "Ada", "ada"],
    ["fullwidth", "ａｄａ", "ada"],
    ["one character", "a", "a"],
    ["64 characters", "a".repeat(64), "a".repeat(64)],
    ["64 characters, decomposed", "e\u0301".repeat(64), "\u00E9".repeat(64)],
    ["64 characters beyond the BMP", "\u{20000}".repeat(64), "\u{20000}".repeat(64)],
    ["punctuation", "ada.lovelace_1815-x", "ada.lovelace_1815-x"],
    ["digits only", "123", "123"],
    ["Latin with many marks", "Nguyễn", "nguyễn"],
    ["Cyrillic", "Мария", "мария"],
    ["Greek", "Ὀδυσσεύς", "ὀδυσσεύς"],
    ["Greek in capitals is the same name", "ὈΔΥΣΣΕΎΣ", "ὀδυσσεύς"],
    ["Hebrew", "שלום", "שלום"],
    ["Arabic with its own digits", "مريم\u0661", "مريم\u0661"],
    ["Devanagari", "नमस्ते", "नमस्ते"],
    ["Thai", "สวัสดี", "สวัสดี"],
    ["Japanese in all its scripts, with Latin", "漢字ひらカナー1abc", "漢字ひらカナー1abc"],
    ["Japanese without kanji", "ひらカナ", "ひらカナ"],
    ["Bopomofo with Han and Latin", "漢ㄅa", "漢ㄅa"],
    ["Korean with Han and Latin", "한漢a", "한漢a"],
    ["ß", "straße", "straße"],
    ["Kelvin sign", "mi\u212Ae", "mike"],
  ])("takes %s", (_, raw, expected) => {
    expect(parseUsername(raw, "user.username")).toEqual({ value: raw, key: expected });
  });

  it.each([
    ["nothing", ""],
    ["65 characters", "a".repeat(65)],
    ["65 characters beyond the BMP", "\u{20000}".repeat(65)],
    ["a megabyte", "a".repeat(1 << 20)],
    ["@", "ada@example.com"],
    ["fullwidth @ (Auth.js GHSA-7rqj)", "ada＠example.com"],
    ["small @ (Auth.js GHSA-7rqj)", "ada\uFE6Bexample.com"],
    ["a space", "ada lovelace"],
    ["a fullwidth space", "ada\u3000lovelace"],
    ["a space at the end", "ada "],
    ["a newline at the end", "ada\n"],
    ["a zero-width space", "ada\u200B"],
    ["a word joiner", "ad\u2060a"],
    ["a right-to-left override", "\u202Eada"],
    ["a soft hyphen", "a\u00ADda"],
    ["ZWJ, where PRECIS would let it", "क\u094D\u200Dष"],
    ["ZWNJ, where PRECIS would let it", "क\u094D\u200Cष"],
    ["an emoji", "ada\u{1F600}"],
    ["a lone surrogate", "ada\uD83D"],
    ["NUL", "ada\0"],
    ["private use", "ada\uF8FF"],
    ["unassigned", "ada\u0378"],
    ["ligature ﬁ", "\uFB01"],
    ["superscript", "ada²"],
    ["mathematical letters", "\u{1D41A}\u{1D41D}\u{1D41A}"],
    ["a combining mark at the beginning", "\u0301ada"],
    ["five marks on one letter", "a\u0316\u0317\u0301\u0302\u0303"],
    ["the same mark twice", "a\u0323\u0323"],
    ["i with a dot above", "i\u0307stanbul"],
    ["İ, which would look like i", "\u0130stanbul"],
    ["i with a hidden dot above", "i\u0323\u0307"],
    ["digits of two systems", "৪8"],
    ["Cherokee, not recommended for identifiers", "\u13E3\u13B3\u13A9"],
    ["Gothic, not recommended for identifiers", "\u{10330}"],
    ["Cyrillic with Han", "漢я"],
    ["Hangul with Hiragana", "한ひ"],
    ["Bopomofo with Katakana", "ㄅカ"],
    ["Hebrew with a Latin end", "שלוםabc"],
  ])("refuses %s", (_, raw) => {
    expect(() => key(raw)).toThrow(expect.objectContaining({ reason: "USERNAME_INVALID" }));
  });

  // UTS #39 confusables, Keycloak CVE-2021-3424: one name in the place of another.
  it.each([
    ["Cyrillic а", "p\u0430ypal", "paypal"],
    ["Cyrillic а at the beginning", "\u0430dmin", "admin"],
    ["Cyrillic о", "g\u043E\u043Egle", "google"],
    ["Cyrillic ѕ", "micro\u0455oft", "microsoft"],
    ["Cyrillic і", "adm\u0456n", "admin"],
    ["Cyrillic е", "rooт\u0435", "roote"],
    ["Cyrillic capital А, lowered", "\u0410dmin", "admin"],
    ["Greek ο", "r\u03BFot", "root"],
    ["Greek ν", "ad\u03BDin", "advin"],
    ["Greek capital Α, lowered", "\u0391dmin", "admin"],
    ["Greek α with Cyrillic", "\u03B1д", "aд"],
    ["Armenian օ", "r\u0585ot", "root"],
    ["Hebrew ו", "adm\u05D5n", "admin"],
    ["Arabic-Indic zero", "r\u06600t", "r00t"],
    ["Katakana ノ with Cyrillic", "\u043B\u30CE", "л/"],
  ])("refuses a mixed name with %s", (_, mixed, plain) => {
    expect(mixed).not.toBe(plain);
    expect(() => key(mixed)).toThrow(expect.objectContaining({ reason: "USERNAME_INVALID" }));
  });

  // The limit of Highly Restrictive: a name wholly of one script is taken, whatever it looks like in another.
  test("keeps look-alikes of one script apart without refusing them", () => {
    expect(key("\u0441\u043E\u0441\u043E")).not.toBe(key("coco"));
  });

  // Django CVE-2019-19844: "mıke" in upper case is "MIKE".
  test("keeps dotless ı apart from i", () => {
    expect(key("m\u0131ke")).not.toBe(key("mike"));
    expect(key("MIKE")).toBe("mike");
  });

  test("names the field and the violation", () => {
    const attempt = () => parseUsername("a b", "username");
    expect(attempt).toThrow(
      expect.objectContaining({ violations: [{ field: "username", description: expect.any(String) }] }),
    );
  });

  test("throws nothing but DomainError, keeps the raw value, and takes a key as a name of that key", () => {
    const forbidden = /[\p{Lu}\p{Lt}\p{Z}\p{C}\p{Default_Ignorable_Code_Point}@]/u;
    const property = fc.property(fc.oneof(anyString, nameLike), (raw) => {
      const parsed = attempt(raw);
      if (parsed === undefined) return;
      expect(parsed.value).toBe(raw);
      expect(key(parsed.key)).toBe(parsed.key);
      expect(parsed.key).not.toMatch(forbidden);
      expect([...parsed.key].length).toBeLessThanOrEqual(64);
    });
    fc.assert(property, { numRuns: 2000 });
  });

  test("gives every spelling of a name its key", () => {
    const property = fc.property(nameLike, spelling, (raw, how) => {
      const parsed = attempt(raw);
      fc.pre(parsed !== undefined);
      expect(key(respell(raw, how))).toBe(parsed.key);
    });
    fc.assert(property, { numRuns: 1000 });
  });
});

function attempt(raw: string) {
  try {
    return parseUsername(raw, "user.username");
  } catch (error) {
    expect(error).toBeInstanceOf(DomainError);
    return undefined;
  }
}
