// JavaScript has no Bidi_Class. These blocks contain all right-to-left letters, and Unicode reserves them for
// right-to-left scripts (their unassigned code points default to R and AL).
const rightToLeftBlocks = String.raw`[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFF\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]`;
const arabicNumber = String.raw`[\u0660-\u0669\u{10D30}-\u{10D39}\u{10D40}-\u{10D49}]`;
const europeanNumber = String.raw`[0-9\u06F0-\u06F9]`;
const rightToLeftDigit = String.raw`[\u07C0-\u07C9\u{1E950}-\u{1E959}]`;
const rightToLeft = String.raw`[[${rightToLeftBlocks}--[\p{M}\p{Nd}]]${rightToLeftDigit}]`;
const asciiPunctuation = "[[!-~]--[0-9A-Za-z]]";
const mark = String.raw`[\p{Mn}&&[${rightToLeftBlocks}\p{Script=Inherited}]]`;

const hasRightToLeft = new RegExp(String.raw`[${rightToLeftBlocks}--[\p{M}${europeanNumber}]]`, "v");
const hasArabicNumber = new RegExp(arabicNumber, "v");
const hasEuropeanNumber = new RegExp(europeanNumber, "v");
const rightToLeftLabel = new RegExp(
  `^${rightToLeft}[${rightToLeft}${arabicNumber}${europeanNumber}${asciiPunctuation}${mark}]*$`,
  "v",
);
const rightToLeftEnd = new RegExp(`[${rightToLeft}${arabicNumber}${europeanNumber}]${mark}*$`, "v");

/**
 * Whether a string of the IdentifierClass satisfies the Bidi Rule (RFC 5893, section 2), which applies only to strings
 * with right-to-left characters (RFC 8265, section 3.3.1). Stricter than the rule where it would have to guess a
 * Bidi_Class: of left-to-right and script-neutral characters, a right-to-left string may contain only ASCII digits and
 * punctuation and inherited marks, but no other letters, marks or symbols.
 */
export function obeysBidiRule(text: string): boolean {
  if (!hasRightToLeft.test(text)) return true;
  return (
    rightToLeftLabel.test(text) &&
    rightToLeftEnd.test(text) &&
    !(hasArabicNumber.test(text) && hasEuropeanNumber.test(text))
  );
}
