import type { UserProfile } from "../user/user.ts";
import { foldPassword } from "./guessed-first.ts";

/** The person whose password it is, as far as known, with unnormalised names. */
export interface Person {
  readonly email: string | undefined;
  readonly username: string | undefined;
  readonly displayName: string;
}

export function personOf({ email, username, displayName }: UserProfile): Person {
  return { email: email?.value, username: username?.value, displayName };
}

const shortestOwnWord = 4;
const separators = /[^\p{L}\p{M}\p{N}]+/u;
const noLetters = /[^\p{L}\p{M}]+/u;

/**
 * The names of a person, folded like passwords: email, the parts before and after its "@", username and display name.
 * Each as a whole, without its separators, and in parts, with digits and without. Only words of four characters or
 * more.
 */
export function ownWords({ email = "", username = "", displayName }: Person): Set<string> {
  return nameWords([email, ...email.split("@"), username, displayName]);
}

/** The words in names of any kind, by the same rule as `ownWords`. */
export function nameWords(names: readonly string[]): Set<string> {
  const words = names.map(foldPassword).flatMap((name) => {
    const parts = name.split(separators);
    return [name, parts.join(""), ...parts, ...name.split(noLetters)];
  });
  return new Set(words.filter((word) => [...word].length >= shortestOwnWord));
}
