const contextual = /[\u00B7\u0375\u05F3\u05F4\u30FB\u200C-\u200D\u0660-\u0669\u06F0-\u06F9]/u;

const middleDotNotBetweenLs = /(?<!l)\u00B7|\u00B7(?!l)/u;
const numeralSignNotBeforeGreek = /\u0375(?!\p{Script=Greek})/u;
const gereshNotAfterHebrew = /(?<!\p{Script=Hebrew})[\u05F3\u05F4]/u;
const japanese = /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u;
const arabicIndicDigit = /[\u0660-\u0669]/;
const extendedArabicIndicDigit = /[\u06F0-\u06F9]/;
const joinControl = /[\u200C-\u200D]/;

/**
 * Whether every code point that is allowed only in certain contexts is in one: the rules of RFC 5892, appendix A, as
 * adopted by RFC 8264. Stricter in one case: ZERO WIDTH NON-JOINER is allowed only after a virama, because the other
 * half of its rule needs Joining_Type, which JavaScript does not have.
 */
export function obeysContextualRules(text: string): boolean {
  if (!contextual.test(text)) return true;
  return (
    !middleDotNotBetweenLs.test(text) &&
    !numeralSignNotBeforeGreek.test(text) &&
    !gereshNotAfterHebrew.test(text) &&
    (!text.includes("\u30FB") || japanese.test(text)) &&
    !(arabicIndicDigit.test(text) && extendedArabicIndicDigit.test(text)) &&
    joinControlsFollowViramas(text)
  );
}

function joinControlsFollowViramas(text: string): boolean {
  const characters = [...text];
  return characters.every((character, index) => {
    return !joinControl.test(character) || isVirama(characters[index - 1] ?? "");
  });
}

const combiningClass8 = "\u3099";
const combiningClass10 = "\u05B0";

// Normalisation sorts marks by combining class, and viramas have class 9. This identifies them without a table, in the
// Unicode version of the engine.
function isVirama(character: string): boolean {
  return swaps(combiningClass10, character) && swaps(character, combiningClass8);
}

function swaps(first: string, second: string): boolean {
  const before = first + second;
  const after = second + first;
  return before !== after && before.normalize("NFD") === after;
}
