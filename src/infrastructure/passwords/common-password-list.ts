import { readFileSync } from "node:fs";
import type { CommonPasswords } from "../../domain/credential/guessed-first.ts";

const file = new URL("./common-passwords.txt", import.meta.url);

/**
 * The passwords in common-passwords.txt, one a line, folded: the 10,000 most common of four characters or more, and for
 * every minimum length that can be set the 3,000 most common that it lets pass. Read when it is first asked, once.
 */
export class CommonPasswordList implements CommonPasswords {
  #passwords: ReadonlySet<string> | undefined;

  has(folded: string): boolean {
    this.#passwords ??= new Set(readFileSync(file, "utf8").trimEnd().split("\n"));
    return this.#passwords.has(folded);
  }
}
