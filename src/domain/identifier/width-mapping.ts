// The code points with a <wide> or <narrow> decomposition. Both blocks are full, so Unicode will not add to them.
// Halfwidth Hangul is left out: it maps to compatibility jamo, which identifiers may not contain either, and NFKC would
// go further.
const wideOrNarrow = /[\u3000\uFF01-\uFF9F\uFFE0-\uFFEE]/g;

/**
 * Maps fullwidth and halfwidth code points to their decomposition mappings, for identifiers: the width mapping rule of
 * RFC 8264, section 5.2.1. Everything else, including lone surrogates, stays unchanged.
 */
export function mapWidth(text: string): string {
  return text.replace(wideOrNarrow, (character) => character.normalize("NFKC"));
}
