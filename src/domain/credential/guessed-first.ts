/** The passwords that are tried first, folded as `foldPassword` folds. A port: they are kept outside of the domain. */
export interface CommonPasswords {
  has(folded: string): boolean;
}

/** What spellings of one password have in common for who guesses: width, compatibility forms and case are no secret. */
export function foldPassword(password: string): string {
  return password.normalize("NFKC").toLowerCase();
}

/** What a common word inside of a password adds: one of ten thousand takes as many tries as two characters do. */
const weightOfWord = 2;
/** Three common words, or six characters: below that the length of a password is only looks. */
export const enoughWeight = 6;

/** A part of a password counts as a word, a run or a repetition from so many characters on. */
const shortestWord = 4;
const longestWord = 64;
const shortestRun = 3;
const shortestRepetition = 3;

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

/** What fingers and tongues run along, in both directions: alphabets, digits, and the rows and columns of keyboards. */
const tracks = [
  "abcdefghijklmnopqrstuvwxyz",
  "01234567890",
  ..."qwertyuiop[] asdfghjkl;' zxcvbnm,./ !@#$%^&*()_+ qwertzuiopü asdfghjklöä yxcvbnm azertyuiop".split(" "),
  ..."qsdfghjklm wxcvbn йцукенгшщзхъ фывапролджэ ячсмитьбю".split(" "),
  "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
  "qazwsxedcrfvtgbyhnujmik,ol.p;/",
  "1q2w3e4r5t6y7u8i9o0p",
  "q1w2e3r4t5y6u7i8o9p0",
  "qawsedrftgyhujikolp",
  "1a2b3c4d5e6f7g8h9i",
  "a1b2c3d4e5f6g7h8i9",
].flatMap((track) => [track, [...track].reverse().join("")]);

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
  if (common.has(folded) || own.has(folded)) return 0;
  const characters = [...folded];
  const { length } = characters;
  const repetitions = longestRepetitions(characters);
  const runs = longestRuns(characters);
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
    const free = Math.max(repetitions[start] ?? 0, runs[start] ?? 0);
    for (let size = shortestRun; size <= free; size++) reach(start + size, weight);
    const last = Math.min(length, start + longestWord);
    let [word, plain] = ["", ""];
    for (let end = start + 1; end <= last; end++) {
      const character = characters[end - 1] ?? "";
      word += character;
      plain += disguises[character] ?? character;
      if (end < start + shortestWord) continue;
      if (knows(own, word, plain)) reach(end, weight);
      else if (knows(common, word, plain) || isYear(word)) reach(end, weight + weightOfWord);
    }
  }
  return Math.min(weights[length] ?? 0, enoughWeight);
}

function knows(words: CommonPasswords, word: string, plain: string): boolean {
  return words.has(word) || (plain !== word && words.has(plain));
}

function isYear(word: string): boolean {
  return word.length === 4 && year.test(word);
}

/** For each character, how many from it on stood so before; 0 where too few did. */
function longestRepetitions(characters: readonly string[]): number[] {
  const { length } = characters;
  const longest = new Array<number>(length).fill(0);
  // How many characters from `earlier` and from `at` on are the same, for the `at` that comes next.
  let sames = new Array<number>(length + 1).fill(0);
  for (let at = length - 1; at > 0; at--) {
    const next = new Array<number>(length + 1).fill(0);
    for (let earlier = 0; earlier < at; earlier++) {
      if (characters[earlier] !== characters[at]) continue;
      const same = (sames[earlier + 1] ?? 0) + 1;
      next[earlier] = same;
      if (same >= shortestRepetition && same > (longest[at] ?? 0)) longest[at] = same;
    }
    sames = next;
  }
  return longest;
}

/** For each character, how many from it on are the same one, or lie along a track; 0 where too few do. */
function longestRuns(characters: readonly string[]): number[] {
  return characters.map((first, at) => {
    let same = 1;
    while (characters[at + same] === first) same++;
    const longest = Math.max(same, ...tracks.map((track) => along(track, characters, at)));
    return longest >= shortestRun ? longest : 0;
  });
}

function along(track: string, characters: readonly string[], at: number): number {
  let longest = 0;
  for (let from = track.indexOf(characters[at] ?? ""); from >= 0; ) {
    let count = 0;
    while (at + count < characters.length && track[from + count] === characters[at + count]) count++;
    if (count > longest) longest = count;
    from = track.indexOf(characters[at] ?? "", from + 1);
  }
  return longest;
}
