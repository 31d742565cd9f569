import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { PasswordRules } from "../../../src/domain/credential/password-rules.ts";
import { Secret } from "../../../src/domain/secret.ts";
import { CommonPasswordList } from "../../../src/infrastructure/passwords/common-password-list.ts";
import { aCall } from "../../support/calls.ts";
import { figure } from "../../support/figures.ts";

// What ValidatePassword may take of the thread that answers every call.
const mostMs = 2;
const runs = 30;

const rules = new PasswordRules({
  policy: { minLength: 15, maxLength: 256 },
  common: new CommonPasswordList(),
  serviceWords: new Set(["auth"]),
  breachCheck: undefined,
  onCheckFailure: (error) => expect.fail(String(error)),
});
const listed = readFileSync(
  new URL("../../../src/infrastructure/passwords/common-passwords.txt", import.meta.url),
  "utf8",
)
  .trimEnd()
  .split("\n");
const filled = (part: string, length = 256) => [...part.repeat(length)].slice(0, length).join("");
const nobody = { email: undefined, username: undefined, displayName: "" };
/** As many words as a request can name. */
const manyNames = {
  email: `${filled("word-of-ada.", 300)}@example.com`,
  username: filled("aaaa.bbbb.", 250),
  displayName: filled("password lovelace ada1 ", 1_000),
};
const longestListed = listed.toSorted((a, b) => b.length - a.length).slice(0, 8);

const worst: [string, string, typeof nobody | typeof manyNames][] = [
  ["one character", filled("a"), nobody],
  ["one character, with names", filled("a"), manyNames],
  ["two characters in turn", filled("ab"), manyNames],
  ["the same disguised", filled("4b"), manyNames],
  ["ones and zeros", filled("10"), manyNames],
  ["blanks", filled(" "), manyNames],
  ["rows of keys", filled("1q2w3e4r5t6y7u8i9o0p"), manyNames],
  ["an alphabet", filled("abcdefghijklmnopqrstuvwxyz"), manyNames],
  ["digits", filled("01234567890"), manyNames],
  ["a common word", filled("password"), manyNames],
  ["a common word in disguise", filled("p4$$w0rd"), manyNames],
  ["the longest common words", filled(longestListed.join("")), manyNames],
  ["each of them, again and again", filled(longestListed[0] ?? ""), manyNames],
  ["years", filled("1999"), manyNames],
  ["the words of the user", filled("lovelace"), manyNames],
  ["one character that is 18 once it is folded", filled("\u{FDFA}"), manyNames],
  ["one character of four bytes", filled("\u{1F511}"), manyNames],
  ["what is no word, again and again", filled("xkvjq"), manyNames],
  ["a good one", filled("kV9$wq2!Zr7#pLx4 correct horse battery staple"), manyNames],
];

test.each(worst)(`256 characters take less than ${mostMs} ms: %s`, async (what, password, person) => {
  const check = async () => {
    const startedAt = performance.now();
    const checked = rules.broken(aCall(), new Secret(password), person);
    const ms = performance.now() - startedAt;
    await checked;
    return ms;
  };
  const times: number[] = [];
  for (let run = 0; run < runs; run++) times.push(await check());
  // The least is what the work takes; the others are what else the machine does.
  const least = Math.min(...times);
  figure(`weighing 256 characters: ${what}`, { ms: least.toFixed(2) });
  expect(least).toBeLessThan(mostMs);
});
