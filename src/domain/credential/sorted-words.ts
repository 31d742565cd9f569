/**
 * Words in the order of their code units, among which those that begin somewhere in a text are found letter by letter: each
 * letter narrows the range of words that still fit, so that the search ends where no word goes on, and no piece of the text
 * is ever made.
 */
export class SortedWords {
  readonly #words: readonly string[];

  /** @param words sorted as `sort()` sorts */
  constructor(words: readonly string[]) {
    this.#words = words;
  }

  has(word: string): boolean {
    const at = this.#firstAtLeast(0, this.#words.length, (other) => other < word);
    return this.#words[at] === word;
  }

  /** Calls `found` with the end of each word that begins at `start` and ends by `last`. */
  endsFrom(characters: readonly string[], start: number, last: number, found: (end: number) => void): void {
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

  /** The first place of a range whose word is not below, all words that are being before those that are not. */
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

/** A word that has ended comes before those that go on. */
function codeAt(word: string, unit: number): number {
  return unit < word.length ? word.charCodeAt(unit) : -1;
}
