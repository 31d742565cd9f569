import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { preparePassword } from "../../../src/domain/credential/password.ts";
import { Secret } from "../../../src/domain/secret.ts";
import { anyString, nameLike } from "../identifier/unicode-text.ts";

const prepare = (raw: string) => preparePassword(new Secret(raw))?.reveal();

describe("preparePassword", () => {
  it.each([
    ["ASCII", "correct horse battery staple", "correct horse battery staple"],
    ["spaces around it", "  x  ", "  x  "],
    ["é, decomposed", "e\u0301", "\u00E9"],
    ["ligature ﬁ, which is not fi", "\uFB01", "\uFB01"],
    ["no-break space", "a\u00A0b", "a b"],
    ["emoji", "\u{1F511}", "\u{1F511}"],
    ["1,024 bytes", "a".repeat(1024), "a".repeat(1024)],
    ["1,024 bytes in 256 characters", "\u{1F511}".repeat(256), "\u{1F511}".repeat(256)],
  ])("prepares %s", (_, raw, expected) => {
    expect(prepare(raw)).toBe(expected);
  });

  it.each([
    ["nothing", ""],
    ["1,025 bytes", "a".repeat(1025)],
    ["1,028 bytes in 257 characters", "\u{1F511}".repeat(257)],
    ["1,026 bytes in 342 characters", "\u20AC".repeat(342)],
    ["what normalisation makes longer than 1,024 bytes", "\u0958".repeat(341)],
    ["NUL", "correct\0horse"],
    ["a lone surrogate", "correct\uD800horse"],
    ["unassigned", "correct\u0378horse"],
    ["private use", "correct\uE000horse"],
    ["an invisible character", "correct\u200Bhorse"],
  ])("refuses %s", (_, raw) => {
    expect(prepare(raw)).toBeUndefined();
  });

  // ASVS 6.2.9 and bcrypt's 72 bytes (Okta, October 2024): every byte counts, up to the last one.
  it.each([0, 63, 64, 71, 72, 127, 128, 255])("keeps passwords apart that differ at byte %i", (at) => {
    const password = "a".repeat(256);
    const other = `${password.slice(0, at)}b${password.slice(at + 1)}`;
    expect(prepare(password)).not.toBe(prepare(other));
  });

  test("measures before it normalises: a password of 16 MiB costs nothing", () => {
    const huge = "e\u0301".repeat(1 << 23);
    const start = performance.now();
    expect(prepare(huge)).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(50);
  });

  test("is idempotent and throws nothing", () => {
    const property = fc.property(fc.oneof(anyString, nameLike), (raw) => {
      const prepared = prepare(raw);
      if (prepared !== undefined) expect(prepare(prepared)).toBe(prepared);
    });
    fc.assert(property, { numRuns: 2000 });
  });
});
