import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { endOfPrefix } from "../../../src/interfaces/relationaldb/cockroachdb/end-of-prefix.ts";

describe("the end of a prefix", () => {
  test.each([
    ["ada", "adb"],
    ["z", "{"],
    ["a\u{d7ff}", "a\u{e000}"],
    ["a\u{ffff}", "a\u{10000}"],
    ["a\u{10ffff}", "b"],
    ["\u{10ffff}\u{10ffff}", undefined],
    ["", undefined],
  ])("%j ends before %j", (prefix, end) => {
    expect(endOfPrefix(prefix)).toBe(end);
  });

  const character = fc.oneof(
    fc.constantFrom("a", "b", "\u{d7ff}", "\u{ffff}", "\u{10ffff}"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  );
  const text = fc.array(character).map((characters) => characters.join(""));

  test("what begins so, and nothing else, is from the prefix to its end in UTF-8", () => {
    fc.assert(
      fc.property(text, text, fc.boolean(), (prefix, rest, together) => {
        const key = together ? prefix + rest : rest;
        const end = endOfPrefix(prefix);
        const isInRange = bytewise(prefix, key) <= 0 && (end === undefined || bytewise(key, end) < 0);
        expect(isInRange).toBe(key.startsWith(prefix));
      }),
    );
  });
});

function bytewise(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
