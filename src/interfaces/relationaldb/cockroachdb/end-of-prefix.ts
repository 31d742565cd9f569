const lastCodePoint = 0x10ffff;

/**
 * The first text, by code point, after all texts that start with `prefix`, or undefined if there is none. UTF-8 sorts
 * by code point; UTF-16 does not.
 */
export function endOfPrefix(prefix: string): string | undefined {
  const codePoints = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (codePoints.at(-1) === lastCodePoint) codePoints.pop();
  const last = codePoints.pop();
  return last === undefined ? undefined : String.fromCodePoint(...codePoints, nextCodePoint(last));
}

/** The next code point that text can contain; skips surrogates. */
function nextCodePoint(codePoint: number): number {
  return codePoint === 0xd7ff ? 0xe000 : codePoint + 1;
}
