const lastCodePoint = 0x10ffff;

/**
 * The first text, by code point, after all that begin with `prefix`, or undefined where there is none. UTF-8 is ordered
 * as its code points are, UTF-16 is not.
 */
export function endOfPrefix(prefix: string): string | undefined {
  const codePoints = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (codePoints.at(-1) === lastCodePoint) codePoints.pop();
  const last = codePoints.pop();
  return last === undefined ? undefined : String.fromCodePoint(...codePoints, nextCodePoint(last));
}

/** The next one that text can hold: none is a surrogate. */
function nextCodePoint(codePoint: number): number {
  return codePoint === 0xd7ff ? 0xe000 : codePoint + 1;
}
