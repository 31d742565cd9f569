import { freeRows, shortestRow } from "./free-rows.ts";
import { SortedWords } from "./sorted-words.ts";

/** The passwords that are tried first, folded as `foldPassword` folds. A port: they are kept outside of the domain. */
export interface CommonPasswords {
  /** In the order of their code units. */
  readonly sorted: readonly string[];
}

/** What spellings of one password have in common for who guesses: width, compatibility forms and case are no secret. */
export function foldPassword(password: string): string {
  return password.normalize("NFKC").toLowerCase();
}

/** What a common word inside of a password adds: one of ten thousand takes as many tries as two characters do. */
const weightOfWord = 2;
/** Three common words, or six characters: below that the length of a password is only looks. */
export const enoughWeight = 6;

/** A part of a password counts as a word from so many characters on. */
const shortestWord = 4;
const longestWord = 64;
/**
 * Characters that are looked at. Folding makes one of 256 characters up to 18 times as long, and what is looked for takes the
 * square of the length. A password that has not enough weight by then is refused.
 */
const longestWeighed = 256;

const year = /^(19|20)[0-9]{2}$/;

/** What letters are disguised as: "p@ssw0rd" is a spelling that every guesser tries. */
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

/** What stands between words and is worth no guess. */
const separators = new Set([" ", "-", "_", "."]);

/**
 * How much of a password is left to guess for who knows common passwords, keyboards and the words in `own`: the least that
 * any way to cut it into parts leaves, up to `enoughWeight`. A character is worth 1; a common password within it or a
 * year 2; and nothing the words in `own`, a run of one character or along a track, what stood there before, and what
 * separates words. A password that is in a list as a whole is worth nothing. So a phrase of three words has enough weight,
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
  const rows = freeRows(characters);
  /** The least weight of the first so many characters. */
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
    for (let size = shortestRow; size <= (rows[start] ?? 0); size++) reach(start + size, weight);
    if (isYear(characters, start)) reach(start + 4, weight + weightOfWord);
    const last = Math.min(length, start + longestWord);
    const reachWord = (worth: number) => (end: number) => {
      if (end >= start + shortestWord) reach(end, weight + worth);
    };
    for (const spelling of spellings) {
      ownWords.endsFrom(spelling, start, last, reachWord(0));
      commonWords.endsFrom(spelling, start, last, reachWord(weightOfWord));
    }
  }
  return Math.min(weights[length] ?? 0, enoughWeight);
}

/** A password as it is, and what it is a disguise of, where it is one. */
function spellingsOf(characters: readonly string[]): readonly (readonly string[])[] {
  const plain = characters.map((character) => disguises[character] ?? character);
  return plain.some((character, at) => character !== characters[at]) ? [characters, plain] : [characters];
}

function isYear(characters: readonly string[], start: number): boolean {
  return year.test(characters.slice(start, start + 4).join(""));
}
