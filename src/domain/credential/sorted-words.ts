/**
 * Words sorted by code unit, to find those that occur at a position of a text. The search goes letter by letter: each
 * letter narrows the range of matching words. It stops when no word continues, and never creates a substring.
 */
export class SortedWords {
  readonly #words: readonly string[];

  /** @param words sorted as by `sort()` */
  constructor(words: readonly string[]) {
    this.#words = words;
  }

  has(word: string): boolean {
    const at = this.#firstAtLeast(0, this.#words.length, (other) => other < word);
    return this.#words[at] === word;
  }

  /** Calls `found` with the end of each word that begins at `start` and ends by `last`. */
  forEachMatchEnd(
    characters: readonly string[],
    start: number,
    last: number,
    found: (end: number) => void,
  ): void {
    let [low, high, unit] = [0, this.#words.length, 0];
    for (let at = start; at < last; at++) {
      const character = characters[at] ?? "";
      for (let index = 0; index < character.length; index++, unit++) {
        const code = character.charCodeAt(index);
        const depth = unit;
        low = this.#firstAtLeast(low, high, (word) => codeAt(word, depth) < code);
        high = this.#firstAtLeast(low, high, (word) => codeAt(word, depth) <= code);
        if (low === high) return;
      }
      if (this.#words[low]?.length === unit) found(at + 1);
    }
  }

  /** The first index in the range whose word is not below. Words that are below must precede the others. */
  #firstAtLeast(low: number, high: number, isBelow: (word: string) => boolean): number {
    let [from, to] = [low, high];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (isBelow(this.#words[middle] ?? "")) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/** Returns -1 past the end, so that a word sorts before its continuations. */
function codeAt(word: string, unit: number): number {
  return unit < word.length ? word.charCodeAt(unit) : -1;
}
