import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { enoughWeight, foldPassword, weightOf } from "../../../src/domain/credential/guessed-first.ts";
import { ownWords, type Person } from "../../../src/domain/credential/own-words.ts";
import { CommonPasswordList } from "../../../src/infrastructure/passwords/common-password-list.ts";

const list = new CommonPasswordList();
const listed = readFileSync(
  new URL("../../../src/infrastructure/passwords/common-passwords.txt", import.meta.url),
  "utf8",
)
  .trimEnd()
  .split("\n");
const none: ReadonlySet<string> = new Set();
const weight = (password: string, own = none) => weightOf(password, list, own);

describe("the list of common passwords", () => {
  test("is folded, sorted and each once, so that a look-up finds what is in it", () => {
    expect(listed.filter((password) => foldPassword(password) !== password)).toEqual([]);
    expect([...new Set(listed)].sort()).toEqual(listed);
  });

  // ASVS 6.2.4: the 3,000 that a policy lets pass, for the default minimum and the least that can be set.
  test.each([8, 12, 15])("has 3,000 or more of %i characters, and every one is worth nothing", (minimum) => {
    const long = listed.filter((password) => [...password].length >= minimum);
    expect(long.length).toBeGreaterThanOrEqual(3_000);
    expect(long.filter((password) => weight(password) > 0)).toEqual([]);
    expect(long.filter((password) => weight(password.toUpperCase()) > 0)).toEqual([]);
  });

  test("has what is on top of every list of breached passwords", () => {
    for (const password of ["password", "123456789", "qwertyuiop", "1qaz2wsx3edc4rfv", "passwordpassword"]) {
      expect(list.sorted).toContain(password);
    }
  });
});

describe("weightOf", () => {
  it.each([
    ["one character", "aaaaaaaaaaaaaaaaaaaaaa"],
    ["spaces", "                    "],
    ["one emoji", "\u{1F511}".repeat(20)],
    ["digits in order", "123456789012345"],
    ["digits in the other order", "98765432109876543210"],
    ["the alphabet", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"],
    ["rows of keys", "qwertyuiopasdfghjkl"],
    ["rows of other keyboards", "azertyuiopqsdfghjklm"],
    ["rows of Cyrillic keys", "йцукенгшщзхъфывапролджэ"],
    ["columns of keys", "1qaz2wsx3edc4rfv5tgb"],
    ["a word, again and again", "dragon dragon dragon dragon"],
    ["a word with a tail", "passwordpassword1"],
    ["a word in disguise", "P@ssw0rdP@ssw0rd12345"],
    ["a word and digits", "Password1234567890"],
    ["a word, a year and a mark", "Summer2026Summer2026!"],
    ["two words", "dragon-monkey_dragon.monkey"],
    ["two words and a run", "DragonMonkey!!!!!!123456789"],
    ["what is no word, again and again", "xkvjqxkvjqxkvjqxkvjq"],
    ["full width", "ｐａｓｓｗｏｒｄｐａｓｓｗｏｒｄ"],
  ])("finds little to guess in %s", (_, password) => {
    expect(weight(password)).toBeLessThan(enoughWeight);
  });

  it.each([
    ["three words", "correct horse battery"],
    ["four words", "correct horse battery staple"],
    ["a sentence", "my dog has fleas, and so have I"],
    ["a sentence with a common password in it", "my password is a secret of mine"],
    ["what a generator makes", "kV9$wq2!Zr7#pLx4"],
    ["digits at random", "48291048572610384756"],
    ["another script", "собака не любит понедельник"],
    ["no script with words", "我的狗不喜欢星期一也不喜欢雨天吗"],
    ["emoji", "\u{1F511}\u{1F984}\u{1F419}\u{1F30B}\u{1F9C0}\u{1F6B2}\u{1F511}\u{1F984}"],
  ])("finds enough in %s", (_, password) => {
    expect(weight(password)).toBe(enoughWeight);
  });

  test("finds enough in 20 characters at random", () => {
    const characters = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#%&*+?@"];
    const random = fc.array(fc.constantFrom(...characters), { minLength: 20, maxLength: 20 });
    // fast-check likes repetitions, which nothing that is random has: 12 different ones are what it has to find.
    const property = fc.property(random, (password) => {
      fc.pre(new Set(password.map((character) => character.toLowerCase())).size >= 12);
      expect(weight(password.join(""))).toBe(enoughWeight);
    });
    fc.assert(property, { numRuns: 2_000 });
  });

  test("is never more for who knows more, and a word that is known adds nothing", () => {
    const word = fc.stringMatching(/^[a-z]{4,20}$/);
    const property = fc.property(fc.string(), word, (text, known) => {
      const own = new Set([known]);
      expect(weight(text, own)).toBeLessThanOrEqual(weight(text));
      // A text may be in the list as a whole, and is one word of it then.
      expect(weight(text + known, own)).toBeLessThanOrEqual(Math.max(weight(text), 2));
    });
    fc.assert(property, { numRuns: 500 });
  });

  test.each([
    ["two characters in turn", "ab".repeat(512)],
    ["one character", "a".repeat(1_024)],
    ["words", listed.slice(5_000, 5_100).join("").slice(0, 1_024)],
  ])("takes no time that anybody could use, for 1,024 characters: %s", (_, password) => {
    weight(password);
    const start = performance.now();
    weight(password);
    expect(performance.now() - start).toBeLessThan(500);
  });
});

describe("own words", () => {
  const ada: Person = {
    email: "Ada.Lovelace@Engines.Example.com",
    username: "countess_ada",
    displayName: "Ada King, Countess of Lovelace",
  };
  const own = ownWords(ada);

  test("are names as a whole, without what separates their parts, and their parts from four characters on", () => {
    expect([...own].sort()).toEqual([
      "ada king, countess of lovelace",
      "ada.lovelace",
      "ada.lovelace@engines.example.com",
      "adakingcountessoflovelace",
      "adalovelace",
      "adalovelaceenginesexamplecom",
      "countess",
      "countess_ada",
      "countessada",
      "engines",
      "engines.example.com",
      "enginesexamplecom",
      "example",
      "king",
      "lovelace",
    ]);
  });

  it.each([
    ["the email", "ada.lovelace@engines.example.com"],
    ["the email in capitals, and a mark", "ADA.LOVELACE@ENGINES.EXAMPLE.COM!"],
    ["the username and digits", "countess_ada1815"],
    ["names and digits", "LovelaceEngines123456"],
    ["a name in disguise", "l0v3lac3-l0v3lac3-99"],
    ["a name and two common words", "lovelace dragon monkey"],
  ])("leave little to guess in %s", (_, password) => {
    expect(weight(password, own)).toBeLessThan(enoughWeight);
  });

  it.each([
    ["a long phrase with a name in it", "lovelace sails her boat past the lighthouse"],
    ["a phrase with a short name in it", "ada likes her tea with milk and honey"],
    ["what a generator makes, after a name", "lovelace kV9$wq2!Zr7#"],
  ])("take nothing from %s", (_, password) => {
    expect(weight(password, own)).toBe(enoughWeight);
  });

  test("are also what is left of a name without its digits", () => {
    const words = ownWords({ email: undefined, username: "countess1815ada", displayName: "" });
    expect([...words].sort()).toEqual(["countess", "countess1815ada"]);
  });

  test("of nobody are none", () => {
    expect(ownWords({ email: undefined, username: "li", displayName: "Li" })).toEqual(new Set());
  });
});
