import type { UserProfile } from "../user/user.ts";
import { foldPassword } from "./guessed-first.ts";

/** Whom a password is for, as far as that is known, as it was given. */
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
 * What somebody is called, folded as passwords are: email, what is on either side of its "@", username and display name,
 * each as a whole, without what separates its parts, and its parts, with their digits and without; all of four characters or more.
 */
export function ownWords({ email = "", username = "", displayName }: Person): Set<string> {
  return wordsIn([email, ...email.split("@"), username, displayName]);
}

/** The words in names of any kind, by the rule of `ownWords`. */
export function wordsIn(names: readonly string[]): Set<string> {
  const words = names.map(foldPassword).flatMap((name) => {
    const parts = name.split(separators);
    return [name, parts.join(""), ...parts, ...name.split(noLetters)];
  });
  return new Set(words.filter((word) => [...word].length >= shortestOwnWord));
}
