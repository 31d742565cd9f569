/** Minimum length, in characters, of a part that counts as a run or a repetition. */
export const minSequence = 3;

/** Sequences that are easy to type or recite: alphabets, digits, and the rows and columns of keyboards. */
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
];

/** All tracks in both directions, concatenated, separated by an entry that matches no character. */
const places = tracks.flatMap((track) => [...track, "", ...[...track].reverse(), ""]);
const placesOf = Map.groupBy(places.keys(), (place) => places[place] ?? "");

/**
 * For each character, the length of the longest run or repetition that begins there; 0 if it is shorter than
 * `minSequence`. Such parts add nothing for a guesser.
 */
export function predictableLengths(characters: readonly string[]): number[] {
  const repetitions = longestRepetitions(characters);
  return longestRuns(characters).map((run, at) => Math.max(run, repetitions[at] ?? 0));
}

/** For each character, the length of the longest part from there that also occurs earlier; 0 if it is too short. */
function longestRepetitions(characters: readonly string[]): Uint16Array {
  const { length } = characters;
  const longest = new Uint16Array(length);
  // Number of equal characters from `earlier` and from `at` on. Entries of `at + 1` are overwritten from the front,
  // each after its predecessor has used it.
  const commonPrefixLengths = new Uint16Array(length + 1);
  for (let at = length - 1; at > 0; at--) {
    for (let earlier = 0; earlier < at; earlier++) {
      const same = characters[earlier] === characters[at] ? (commonPrefixLengths[earlier + 1] ?? 0) + 1 : 0;
      commonPrefixLengths[earlier] = same;
      if (same >= minSequence && same > (longest[at] ?? 0)) longest[at] = same;
    }
  }
  return longest;
}

/** For each character, how many from there on are identical or lie along a track; 0 if they are too few. */
function longestRuns(characters: readonly string[]): number[] {
  const longest = new Array<number>(characters.length).fill(0);
  // Number of characters that lie along the tracks from each place on, and the character position that each count is
  // for.
  const along = new Uint16Array(places.length);
  const counted = new Int32Array(places.length).fill(-1);
  let same = 0;
  for (let at = characters.length - 1; at >= 0; at--) {
    const character = characters[at] ?? "";
    same = character === characters[at + 1] ? same + 1 : 1;
    let most = same;
    // From the front, so that the next place still has the count of the next character.
    for (const place of placesOf.get(character) ?? []) {
      const count = counted[place + 1] === at + 1 ? (along[place + 1] ?? 0) + 1 : 1;
      along[place] = count;
      counted[place] = at;
      if (count > most) most = count;
    }
    if (most >= minSequence) longest[at] = most;
  }
  return longest;
}
