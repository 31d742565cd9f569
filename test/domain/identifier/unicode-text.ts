import fc from "fast-check";

const alphabets = [
  "abcxyzABCXYZ0189._-+",
  "aeiouäéßåøñçıİK\u212AÅ\u0301\u0308\u0323",
  "абвгдйёїАБВГ\u0306\u0308",
  "αβγάΐΆΩ\u2126σςΣ\u0301\u0345",
  "אבגדשת\u05B4\u05BC19",
  "ابجدهو\u064B\u0651\u0661\u06629",
  "कखगर\u093C\u094D\u200D\u093F",
  "가각힣한글\u1100\u1161\u11A8",
  "かがカガ漢字ー\u3099\uFF76\uFF9E",
  "ａＡｚ０－＿",
  "\u200B\u202E\u2066\u00AD\uFEFF\u0000 \u3000ab",
].map((alphabet) => [...alphabet]);

/** Strings of any UTF-16 code units, lone surrogates, NUL and noncharacters included. */
export const anyString = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc.string({ unit: "grapheme" }),
);

/** Strings of one script or two, so that many are names and many nearly are. */
export const nameLike = fc
  .tuple(fc.constantFrom(...alphabets), fc.constantFrom(...alphabets), fc.boolean())
  .chain(([one, other, mixed]) =>
    fc.string({ unit: fc.constantFrom(...one, ...(mixed ? other : [])), maxLength: 12 }),
  );

/** How a string is spelled differently: one choice for each of its characters, and a normalization form. */
export const spelling = fc.record({
  choices: fc.infiniteStream(fc.constantFrom("same", "upper", "lower", "wide")),
  form: fc.constantFrom("NFC", "NFD"),
});
type Spelling = typeof spelling extends fc.Arbitrary<infer T> ? T : never;

/**
 * The same name in other characters: case, width and normalization form. Case only where it comes back ("ß" does not, its
 * upper case is "SS"), and never of sigma, whose lower case depends on where it stands.
 */
export function respell(text: string, { choices, form }: Spelling): string {
  return [...text.normalize("NFD")]
    .map((character) => respellCharacter(character, choices.next().value))
    .join("")
    .normalize(form);
}

function respellCharacter(character: string, choice: "same" | "upper" | "lower" | "wide"): string {
  switch (choice) {
    case "same":
      return character;
    case "upper":
      return comesBack(character, character.toUpperCase()) ? character.toUpperCase() : character;
    case "lower":
      return comesBack(character, character.toLowerCase()) ? character.toLowerCase() : character;
    case "wide":
      return otherWidth.get(character) ?? character;
  }
}

function comesBack(character: string, other: string): boolean {
  return !/[Σσς]/.test(character + other) && other.toLowerCase() === character.toLowerCase();
}

// Halfwidth Hangul is left out: it maps to compatibility jamo, which names cannot hold.
const otherWidth = new Map(
  Array.from({ length: 0xff9f - 0xff01 + 1 }, (_, offset) => String.fromCharCode(0xff01 + offset)).map(
    (character) => [character.normalize("NFKC"), character],
  ),
);

/** Every character that is assigned to something other than private use, as a string. */
export function* everyCharacter(): Generator<string> {
  for (let code = 0; code <= 0x10ffff; code++) {
    const character = String.fromCodePoint(code);
    if (!/[\p{Cn}\p{Co}\p{Cs}]/u.test(character)) yield character;
  }
}

/** Code points in the Unicode notation without "U+", for messages. */
export function hex(text: string): string {
  return [...text]
    .map((character) => (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0"))
    .join(" ");
}
