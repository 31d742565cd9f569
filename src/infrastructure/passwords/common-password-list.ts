import { readFileSync } from "node:fs";
import type { CommonPasswords } from "../../domain/credential/guessed-first.ts";

const file = new URL("./common-passwords.txt", import.meta.url);

/**
 * The passwords in common-passwords.txt, one per line, folded: the 10,000 most common ones of four characters or more
 * and, for every minimum length that can be configured, the 3,000 most common ones that satisfy it. The file is read
 * once, on first use.
 */
export class CommonPasswordList implements CommonPasswords {
  #passwords: readonly string[] | undefined;

  get sorted(): readonly string[] {
    this.#passwords ??= readFileSync(file, "utf8").trimEnd().split("\n");
    return this.#passwords;
  }
}
