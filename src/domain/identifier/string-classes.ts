import { obeysContextualRules } from "./contextual-rules.ts";

// What RFC 8264, section 8, disallows before it looks at the general category: PrecisIgnorableProperties, OldHangulJamo
// and the disallowed Exceptions. Join controls are default-ignorable too, but decided earlier, as CONTEXTJ.
const disallowed =
  /[[\p{Default_Ignorable_Code_Point}\u1100-\u11FF\uA960-\uA97C\uD7B0-\uD7C6\uD7CB-\uD7FB\u0640\u07FA\u302E\u302F\u3031-\u3035\u303B]--[\u200C\u200D]]/v;

// ASCII7, LetterDigits, the valid Exceptions, and what is valid in context.
const identifier =
  /^[!-~\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}\u06FD\u06FE\u0F0B\u3007\u00B7\u0375\u05F3\u05F4\u30FB\u200C\u200D]+$/u;

// All of that, and OtherLetterDigits, Spaces, Symbols and Punctuation. HasCompat adds nothing to these categories.
const freeform = /^[\p{L}\p{M}\p{N}\p{Zs}\p{S}\p{P}\u200C\u200D]+$/u;

/**
 * Whether a string in NFC conforms to the PRECIS IdentifierClass (RFC 8264, sections 4.2, 8 and 9) and is not empty.
 * What is unassigned in the engine's version of Unicode, and every lone surrogate, is outside of it.
 */
export function isInIdentifierClass(nfc: string): boolean {
  return (
    identifier.test(nfc) && !disallowed.test(nfc) && !hasCompatibilityForm(nfc) && obeysContextualRules(nfc)
  );
}

/** Whether a string in NFC conforms to the PRECIS FreeformClass (RFC 8264, sections 4.3, 8 and 9) and is not empty. */
export function isInFreeformClass(nfc: string): boolean {
  return freeform.test(nfc) && !disallowed.test(nfc) && obeysContextualRules(nfc);
}

// HasCompat asks it of each code point. Of a string in NFC it can be asked at once: NFKC leaves it alone exactly where
// no code point has a compatibility decomposition.
function hasCompatibilityForm(nfc: string): boolean {
  return nfc.normalize("NFKC") !== nfc;
}
