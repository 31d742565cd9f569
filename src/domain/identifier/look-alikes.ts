const everyScript = String.raw`\p{scx=Common}\p{scx=Inherited}`;

// The recommended scripts of UAX #31, table 5, except those in the three East Asian sets below.
const aloneAllowed = [
  "Arabic",
  "Armenian",
  "Bengali",
  "Cyrillic",
  "Devanagari",
  "Ethiopic",
  "Georgian",
  "Greek",
  "Gujarati",
  "Gurmukhi",
  "Hebrew",
  "Kannada",
  "Khmer",
  "Lao",
  "Malayalam",
  "Myanmar",
  "Oriya",
  "Sinhala",
  "Tamil",
  "Telugu",
  "Thaana",
  "Thai",
  "Tibetan",
];

// Latin is in each set. A name may use any of the scripts of one set.
const togetherAllowed = [
  ["Latin", "Han", "Hiragana", "Katakana"],
  ["Latin", "Han", "Bopomofo"],
  ["Latin", "Han", "Hangul"],
];

const scriptSets = [...togetherAllowed, ...aloneAllowed.map((script) => [script])].map(
  (scripts) =>
    new RegExp(`^[${everyScript}${scripts.map((script) => `\\p{scx=${script}}`).join("")}]+$`, "u"),
);

const ascii = /^[!-~]+$/;
const joinControl = /[\u200C-\u200D]/;
const leadingMark = /^\p{M}/u;
const tooManyMarks = /[\p{Mn}\p{Me}]{5}|(?<mark>[\p{Mn}\p{Me}])\k<mark>/u;
const dotOnDot = /\p{Soft_Dotted}\p{Mn}*\u0307/u;
const digitsOfTwoSystems = /[0-9].*[\p{Nd}--[0-9]]|[\p{Nd}--[0-9]].*[0-9]/v;

/**
 * Why a canonical name could be confused with another one, as a sentence, or undefined if it could not: UTS #39, level
 * Highly Restrictive (section 5.2), with the optional detection of marks and mixed digits (sections 5.3 and 5.4), and
 * without join controls. Names entirely in one script that resemble another script ("сосо" in Cyrillic) are not
 * detected (docs/decisions/0035-look-alikes.md).
 */
export function findLookAlike(name: string): string | undefined {
  if (ascii.test(name)) return undefined;
  if (joinControl.test(name)) return "must not contain a zero-width joiner or non-joiner";
  if (leadingMark.test(name)) return "must not begin with a combining mark";
  if (hasOddMarks(name.normalize("NFD")))
    return "must not contain repeated, stacked or invisible combining marks";
  if (digitsOfTwoSystems.test(name)) return "must not mix digits of two writing systems";
  if (!scriptSets.some((set) => set.test(name))) return "must be written in one script";
  return undefined;
}

function hasOddMarks(decomposed: string): boolean {
  return tooManyMarks.test(decomposed) || dotOnDot.test(decomposed);
}
