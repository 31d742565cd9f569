import { obeysContextualRules } from "./contextual-rules.ts";

// Disallowed by RFC 8264, section 8, before the general category is considered: PrecisIgnorableProperties,
// OldHangulJamo and the disallowed Exceptions. Join controls are default-ignorable too, but are decided earlier, as
// CONTEXTJ.
const disallowed =
  /[[\p{Default_Ignorable_Code_Point}\u1100-\u11FF\uA960-\uA97C\uD7B0-\uD7C6\uD7CB-\uD7FB\u0640\u07FA\u302E\u302F\u3031-\u3035\u303B]--[\u200C\u200D]]/v;

// ASCII7, LetterDigits, the valid Exceptions, and code points that are valid in context.
const identifier =
  /^[!-~\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}\u06FD\u06FE\u0F0B\u3007\u00B7\u0375\u05F3\u05F4\u30FB\u200C\u200D]+$/u;

// The above, and OtherLetterDigits, Spaces, Symbols and Punctuation. HasCompat adds nothing to these categories.
const freeform = /^[\p{L}\p{M}\p{N}\p{Zs}\p{S}\p{P}\u200C\u200D]+$/u;

/**
 * Whether a string in NFC conforms to the PRECIS IdentifierClass (RFC 8264, sections 4.2, 8 and 9) and is not empty.
 * Code points that are unassigned in the engine's Unicode version, and lone surrogates, do not conform.
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

// HasCompat is defined per code point. For a string in NFC one check suffices: NFKC leaves it unchanged exactly if no
// code point has a compatibility decomposition.
function hasCompatibilityForm(nfc: string): boolean {
  return nfc.normalize("NFKC") !== nfc;
}
