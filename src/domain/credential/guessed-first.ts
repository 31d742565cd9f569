import { minSequence, predictableLengths } from "./free-rows.ts";
import { SortedWords } from "./sorted-words.ts";

/** The passwords that guessers try first, folded by `foldPassword`. A port: they are stored outside of the domain. */
export interface CommonPasswords {
  /** Sorted by code unit. */
  readonly sorted: readonly string[];
}

/** Folds width, compatibility forms and case. Guessers try those anyway. */
export function foldPassword(password: string): string {
  return password.normalize("NFKC").toLowerCase();
}

/** Weight of a common word within a password: one of ten thousand takes as many guesses as two characters. */
const weightOfWord = 2;
/** Three common words, or six characters. Below that, the length of a password is misleading. */
export const enoughWeight = 6;

/** Minimum length, in characters, of a part that counts as a word. */
const shortestWord = 4;
const longestWord = 64;
/**
 * Number of characters that are weighed. Folding can turn 256 characters into 18 times as many, and the search takes
 * quadratic time. A password without enough weight by then is refused.
 */
const longestWeighed = 256;

const year = /^(19|20)[0-9]{2}$/;

/** Letter substitutions that every guesser tries, as in "p@ssw0rd". */
const disguises: Readonly<Record<string, string>> = {
  "@": "a",
  "4": "a",
  "3": "e",
  "1": "i",
  "!": "i",
  "0": "o",
  $: "s",
  "5": "s",
  "7": "t",
};

/** Word separators, which add nothing for a guesser. */
const separators = new Set([" ", "-", "_", "."]);

/**
 * The weight of a password against a guesser who knows common passwords, keyboards and the words in `own`: the minimum
 * over all ways to cut it into parts, up to `enoughWeight`. A character weighs 1. A common password within it, or a
 * year, weighs 2. The words in `own`, a run of one character or along a track, a repetition of an earlier part, and
 * word separators weigh 0. A password that is itself in a list weighs 0. So a phrase of three words has enough weight,
 * and "passwordpassword", "Dragon-Monkey-123456" and "Summer2026Summer2026!" do not. Both sets hold folded strings.
 */
export function weightOf(password: string, common: CommonPasswords, own: ReadonlySet<string>): number {
  const folded = foldPassword(password);
  const commonWords = new SortedWords(common.sorted);
  if (commonWords.has(folded) || own.has(folded)) return 0;
  const characters = [...folded].slice(0, longestWeighed);
  const ownWords = new SortedWords([...own].sort());
  const { length } = characters;
  const spellings = spellingsOf(characters);
  const rows = predictableLengths(characters);
  /** `weights[n]` is the minimum weight of the first n characters. */
  const weights = new Array<number>(length + 1).fill(Number.POSITIVE_INFINITY);
  weights[0] = 0;
  const reach = (end: number, weight: number) => {
    if (weight < (weights[end] ?? 0)) weights[end] = weight;
  };
  for (let start = 0; start < length; start++) {
    const weight = weights[start] ?? 0;
    if (weight >= enoughWeight) {
      reach(start + 1, weight);
      continue;
    }
    reach(start + 1, weight + (separators.has(characters[start] ?? "") ? 0 : 1));
    for (let size = minSequence; size <= (rows[start] ?? 0); size++) reach(start + size, weight);
    if (isYear(characters, start)) reach(start + 4, weight + weightOfWord);
    const last = Math.min(length, start + longestWord);
    const reachWord = (worth: number) => (end: number) => {
      if (end >= start + shortestWord) reach(end, weight + worth);
    };
    for (const spelling of spellings) {
      ownWords.forEachMatchEnd(spelling, start, last, reachWord(0));
      commonWords.forEachMatchEnd(spelling, start, last, reachWord(weightOfWord));
    }
  }
  return Math.min(weights[length] ?? 0, enoughWeight);
}

/** The password as it is and, if it contains substitutions, with them undone. */
function spellingsOf(characters: readonly string[]): readonly (readonly string[])[] {
  const plain = characters.map((character) => disguises[character] ?? character);
  return plain.some((character, at) => character !== characters[at]) ? [characters, plain] : [characters];
}

function isYear(characters: readonly string[], start: number): boolean {
  return year.test(characters.slice(start, start + 4).join(""));
}
