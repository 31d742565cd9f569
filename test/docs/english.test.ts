import { describe, expect, test } from "vitest";
import { findPhrases } from "../../scripts/english.ts";

const phrasesIn = (text: string, file = "docs/page.md") =>
  findPhrases(file, text).map(({ line, phrase }) => [line, phrase]);

// `npm run lint` runs the same over the tree.
describe("the language check", () => {
  test.each([
    "AUTH_X is no setting.",
    "There are keys that are none of ours.",
    "A token that nobody has issued.",
    "Whoever has the file can guess passwords.",
    "The key is wrapped anew.",
    "Callers are told of the end.",
    "It checks what was sent.",
    "so long is a stolen token good",
    "@throws StartError where the file is missing",
    "The door: who calls must be shown.",
  ])("finds: %s", (text) => {
    expect(phrasesIn(`fine\n${text}\n`)).toEqual([[2, expect.any(String)]]);
  });

  test.each([
    "There is no user with this id.",
    "The key is no longer valid.",
    "A process of `nobody` reads the file.",
    'The test "audiences of nobody" covers it.',
    "The caller that begins a session owns it.",
    "@throws StartError if the file is missing",
  ])("accepts: %s", (text) => {
    expect(phrasesIn(text)).toEqual([]);
  });

  test("looks at code and at comments of TypeScript", () => {
    expect(phrasesIn('const nobody = "x";\n', "src/x.ts")).toEqual([[1, "nobody"]]);
  });
});
