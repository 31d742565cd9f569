import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { opaqueString, usernameCaseMapped } from "../../../src/domain/identifier/precis.ts";
import { anyString, everyCharacter, hex, nameLike, respell, spelling } from "./unicode-text.ts";

describe("usernameCaseMapped", () => {
  it.each([
    ["ASCII of any case", "Ada.Lovelace_1815", "ada.lovelace_1815"],
    ["all ASCII punctuation", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"],
    ["é, composed", "\u00E9", "\u00E9"],
    ["é, decomposed", "e\u0301", "\u00E9"],
    ["É, decomposed", "E\u0301", "\u00E9"],
    ["ß is itself, not ss", "Straße", "straße"],
    ["capital ẞ", "STRAẞE", "straße"],
    ["dotless ı is itself, not i", "mıke", "mıke"],
    ["İ is i with a dot above, not i", "\u0130", "i\u0307"],
    ["Kelvin sign is the letter K", "\u212Aelvin", "kelvin"],
    ["Ångström sign is the letter Å", "\u212B", "\u00E5"],
    ["Ohm sign is the letter Ω", "\u2126", "\u03C9"],
    ["titlecase ǅ", "\u01C5", undefined],
    ["fullwidth", "ａｄａ＿１", "ada_1"],
    ["fullwidth capitals", "ＡＤＡ", "ada"],
    ["halfwidth katakana with a voiced mark", "\uFF76\uFF9E", "\u30AC"],
    ["halfwidth Hangul is a compatibility letter", "\uFFA1", undefined],
    ["sigma alone", "Σ", "σ"],
    ["sigma at the end of a word", "ΟΔΥΣΣΕΥΣ", "οδυσσευς"],
    ["sigma before a dot and a word", "ΑΣ.Α", "ασ.α"],
    ["final sigma is itself", "ς", "ς"],
    ["Hangul, composed", "한글", "한글"],
    ["Hangul, decomposed", "한글".normalize("NFD"), "한글"],
    ["a jamo that composes with nothing", "\u1100", undefined],
    ["Hebrew", "שלום", "שלום"],
    ["Hebrew with points", "\u05E9\u05C1\u05B8", "\u05E9\u05B8\u05C1"],
    ["Hebrew that ends in digits", "שלום1", "שלום1"],
    ["Hebrew that begins with a digit", "1שלום", undefined],
    ["Hebrew that ends in punctuation", "שלום-", undefined],
    ["Hebrew and Latin", "שלוםa", undefined],
    ["Latin and Hebrew", "aשלום", undefined],
    ["Arabic", "مريم", "مريم"],
    ["Arabic with digits of its own", "مريم\u0661", "مريم\u0661"],
    ["Arabic with digits of two kinds", "مريم\u0661ب1", undefined],
    ["Arabic-Indic and extended digits", "م\u0661\u06F1", undefined],
    ["Persian digits alone are not right-to-left", "\u06F1\u06F2", "\u06F1\u06F2"],
    ["Arabic digits alone are not a right-to-left name", "\u0661\u0662", undefined],
    ["tatweel", "م\u0640ريم", undefined],
    ["geresh after Hebrew", "ג\u05F3", "ג\u05F3"],
    ["geresh after Latin", "g\u05F3", undefined],
    ["middle dot between ls", "col\u00B7lega", "col\u00B7lega"],
    ["middle dot elsewhere", "a\u00B7b", undefined],
    ["Greek numeral sign before Greek", "\u0375α", "\u0375α"],
    ["Greek numeral sign at the end", "α\u0375", undefined],
    ["katakana middle dot in Japanese", "ア\u30FBア", "ア\u30FBア"],
    ["katakana middle dot in Latin", "a\u30FBa", undefined],
    ["ZWJ after a virama", "क\u094D\u200Dष", "क\u094D\u200Dष"],
    ["ZWJ at the beginning", "\u200Dक", undefined],
    ["two ZWJ after a virama", "क\u094D\u200D\u200Dष", undefined],
    ["ZWNJ between Arabic letters: stricter than RFC 5892", "ب\u200Cب", undefined],
    ["the Devanagari qa, which NFC takes apart", "\u0958", "\u0915\u093C"],
    ["ideographic zero", "\u3007", "\u3007"],
    ["ligature ﬁ", "\uFB01", undefined],
    ["superscript", "x²", undefined],
    ["empty", "", undefined],
    ["space", "a b", undefined],
    ["no-break space", "a\u00A0b", undefined],
    ["ideographic space", "a\u3000b", undefined],
    ["NUL", "a\0b", undefined],
    ["tab", "a\tb", undefined],
    ["zero-width space", "a\u200Bb", undefined],
    ["soft hyphen", "a\u00ADb", undefined],
    ["byte order mark", "\uFEFFa", undefined],
    ["combining grapheme joiner", "a\u034Fb", undefined],
    ["variation selector", "a\uFE0F", undefined],
    ["right-to-left override", "a\u202Eb", undefined],
    ["right-to-left isolate", "a\u2067b", undefined],
    ["Hangul filler", "\u3164", undefined],
    ["tag characters", "a\u{E0061}", undefined],
    ["emoji", "\u{1F600}", undefined],
    ["unassigned", "a\u0378", undefined],
    ["private use", "a\uE000", undefined],
    ["noncharacter", "a\uFFFF", undefined],
    ["lone high surrogate", "a\uD800", undefined],
    ["lone low surrogate", "\uDC00a", undefined],
    ["small commercial at", "a\uFE6Bb", undefined],
  ])("%s", (_, given, enforced) => {
    expect(usernameCaseMapped(given)).toBe(enforced);
  });

  test("is idempotent", () => {
    fc.assert(fc.property(fc.oneof(anyString, nameLike), (text) => isIdempotent(usernameCaseMapped, text)));
    for (const character of everyCharacter()) isIdempotent(usernameCaseMapped, character);
  });

  test("answers the same for every spelling of a name", () => {
    const property = fc.property(nameLike, spelling, (text, how) => {
      const name = usernameCaseMapped(text);
      fc.pre(name !== undefined);
      expect(usernameCaseMapped(respell(text, how))).toBe(name);
    });
    fc.assert(property, { numRuns: 1000 });
  });

  test("leaves no capital, space or control in a name, and nothing invisible but join controls", () => {
    const forbidden = /[[\p{Lu}\p{Lt}\p{Z}\p{C}\p{Default_Ignorable_Code_Point}]--[\u200C-\u200D]]/v;
    for (const character of everyCharacter()) {
      const name = usernameCaseMapped(character);
      if (name !== undefined && forbidden.test(name)) expect.fail(hex(character));
    }
    fc.assert(
      fc.property(fc.oneof(anyString, nameLike), (text) => !forbidden.test(usernameCaseMapped(text) ?? "")),
    );
  });

  // Two accounts that share a key would be one. ICU's collation knows nothing of PRECIS, and tells case apart last of all.
  test("gives two texts one name only where collation tells them apart by no more than case and width", () => {
    const { compare } = new Intl.Collator("en", { sensitivity: "accent" });
    const difference = (one: string, other: string) =>
      compare(one.normalize("NFKD"), other.normalize("NFKD"));
    const firstOf = new Map<string, string>();
    for (const character of everyCharacter()) {
      const name = usernameCaseMapped(character);
      if (name === undefined) continue;
      const first = firstOf.get(name);
      if (first === undefined) firstOf.set(name, character);
      else if (difference(first, character) !== 0) expect.fail(`${hex(first)} and ${hex(character)}`);
    }
    const property = fc.property(nameLike, nameLike, spelling, fc.boolean(), (one, random, how, same) => {
      const other = same ? respell(one, how) : random;
      const name = usernameCaseMapped(one);
      if (name !== undefined && name === usernameCaseMapped(other)) {
        expect(difference(one, other)).toBe(0);
      }
    });
    fc.assert(property, { numRuns: 2000 });
  });
});

describe("opaqueString", () => {
  it.each([
    ["ASCII stays as it is", " Correct Horse  Battery ", " Correct Horse  Battery "],
    ["é, composed", "\u00E9", "\u00E9"],
    ["é, decomposed", "e\u0301", "\u00E9"],
    ["ligature ﬁ is not fi", "\uFB01", "\uFB01"],
    ["fullwidth is not ASCII", "ａ", "ａ"],
    ["case stays", "Ä", "Ä"],
    ["no-break space", "a\u00A0b", "a b"],
    ["ideographic space", "a\u3000b", "a b"],
    ["Ogham space mark", "a\u1680b", "a b"],
    ["line separator is no space", "a\u2028b", undefined],
    ["emoji", "\u{1F600}\u{1F511}", "\u{1F600}\u{1F511}"],
    ["flag", "🇫🇷", "🇫🇷"],
    ["emoji with a variation selector: refused by the profile", "\u2764\uFE0F", undefined],
    ["emoji joined by ZWJ: refused by the profile", "\u{1F468}\u200D\u{1F469}", undefined],
    ["right-to-left and left-to-right together", "שלום abc", "שלום abc"],
    ["Kelvin sign", "\u212A", "K"],
    ["empty", "", undefined],
    ["NUL", "a\0b", undefined],
    ["newline", "a\n", undefined],
    ["zero-width space", "a\u200Bb", undefined],
    ["right-to-left override", "a\u202Eb", undefined],
    ["unassigned", "a\u0378", undefined],
    ["private use", "\uE000", undefined],
    ["lone surrogate", "a\uD800", undefined],
    ["conjoining jamo that compose", "\u1100\u1161", "가"],
    ["conjoining jamo that do not", "\u1161\u1100", undefined],
  ])("%s", (_, given, enforced) => {
    expect(opaqueString(given)).toBe(enforced);
  });

  test("is idempotent", () => {
    fc.assert(fc.property(fc.oneof(anyString, nameLike), (text) => isIdempotent(opaqueString, text)));
    for (const character of everyCharacter()) isIdempotent(opaqueString, character);
  });

  test("answers the same for composed and decomposed passwords", () => {
    const property = fc.property(fc.oneof(anyString, nameLike), (text) => {
      expect(opaqueString(text.normalize("NFD"))).toBe(opaqueString(text.normalize("NFC")));
    });
    fc.assert(property, { numRuns: 1000 });
  });

  // A password that another one can stand in for is weaker than it looks.
  test("changes no character but spaces and what NFC changes", () => {
    for (const character of everyCharacter()) {
      const password = opaqueString(character);
      const expected = /\p{Zs}/u.test(character) ? " " : character.normalize("NFC");
      if (password !== undefined && password !== expected) expect.fail(hex(character));
    }
  });
});

function isIdempotent(enforce: (text: string) => string | undefined, text: string): void {
  const once = enforce(text);
  if (once !== undefined && enforce(once) !== once)
    expect.fail(`${hex(text)} becomes ${hex(once)} and is not stable`);
}
