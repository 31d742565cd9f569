import { readFileSync } from "node:fs";
import type { CommonPasswords } from "../../domain/credential/guessed-first.ts";

const file = new URL("./common-passwords.txt", import.meta.url);

/**
 * The passwords in common-passwords.txt, one a line, folded: the 10,000 most common of four characters or more, and for
 * every minimum length that can be set the 3,000 most common that it lets pass. Read when it is first asked, once.
 */
export class CommonPasswordList implements CommonPasswords {
  #passwords: readonly string[] | undefined;

  get sorted(): readonly string[] {
    this.#passwords ??= readFileSync(file, "utf8").trimEnd().split("\n");
    return this.#passwords;
  }
}
