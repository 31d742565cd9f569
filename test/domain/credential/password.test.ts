import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { acceptPassword, preparePassword } from "../../../src/domain/credential/password.ts";
import { DomainError } from "../../../src/domain/errors.ts";
import { anyString, nameLike } from "../identifier/unicode-text.ts";

const policy = { minLength: 15, maxLength: 256 };
const accept = (raw: string) => acceptPassword(raw, policy, "password");
const unacceptable = expect.objectContaining({ reason: "PASSWORD_UNACCEPTABLE" });

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
    expect(preparePassword(raw)).toBe(expected);
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
    expect(preparePassword(raw)).toBeUndefined();
  });

  // ASVS 6.2.9 and bcrypt's 72 bytes (Okta, October 2024): every byte counts, up to the last one.
  it.each([0, 63, 64, 71, 72, 127, 128, 255])("keeps passwords apart that differ at byte %i", (at) => {
    const password = "a".repeat(256);
    const other = `${password.slice(0, at)}b${password.slice(at + 1)}`;
    expect(preparePassword(password)).not.toBe(preparePassword(other));
  });

  test("measures before it normalises: a password of 16 MiB costs nothing", () => {
    const huge = "e\u0301".repeat(1 << 23);
    const start = performance.now();
    expect(preparePassword(huge)).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(50);
  });

  test("is idempotent and throws nothing", () => {
    const property = fc.property(fc.oneof(anyString, nameLike), (raw) => {
      const prepared = preparePassword(raw);
      if (prepared !== undefined) expect(preparePassword(prepared)).toBe(prepared);
    });
    fc.assert(property, { numRuns: 2000 });
  });
});

describe("acceptPassword", () => {
  it.each([
    ["15 code points", "a".repeat(15)],
    ["64 code points", "a".repeat(64)],
    ["256 code points", "a".repeat(256)],
    ["15 emoji", "\u{1F511}".repeat(15)],
    ["256 emoji", "\u{1F511}".repeat(256)],
    ["15 spaces", " ".repeat(15)],
    ["15 digits: no rules of composition", "1".repeat(15)],
    ["a passphrase with spaces", "correct horse battery staple"],
    ["Hebrew and Latin together", "סיסמה password!!"],
    ["15 code points once composed", "e\u0301".repeat(15)],
  ])("accepts %s", (_, raw) => {
    expect(accept(raw)).toBe(raw.normalize("NFC"));
  });

  it.each([
    ["14 code points", "a".repeat(14)],
    ["14 emoji, which are 28 code units", "\u{1F511}".repeat(14)],
    ["14 code points once composed, 28 before", "e\u0301".repeat(14)],
    ["257 code points", "a".repeat(257)],
    ["more than 1,024 bytes", "a".repeat(1025)],
    ["control characters", "correct horse\tbattery"],
    ["nothing", ""],
  ])("refuses %s", (_, raw) => {
    expect(() => accept(raw)).toThrow(unacceptable);
  });

  test("goes by the policy it is given", () => {
    expect(acceptPassword("12345678", { minLength: 8, maxLength: 64 }, "password")).toBe("12345678");
    expect(() => acceptPassword("a".repeat(65), { minLength: 8, maxLength: 64 }, "password")).toThrow(
      unacceptable,
    );
  });

  test("names the field, and says the same whatever the password", () => {
    const sentences = [
      "must be at most 1024 bytes of UTF-8",
      "must be at least 300 characters",
      "must not be empty or hold control, invisible, private-use or unassigned characters",
    ];
    const property = fc.property(fc.oneof(anyString, nameLike), (raw) => {
      const error = failureOf(() => acceptPassword(raw, { minLength: 300, maxLength: 300 }, "new_password"));
      expect(error).toBeInstanceOf(DomainError);
      const { message, violations } = error as DomainError;
      expect(sentences).toContain(violations[0]?.description);
      expect(violations).toEqual([{ field: "new_password", description: violations[0]?.description }]);
      expect(message).toBe(`new_password: ${violations[0]?.description}`);
    });
    fc.assert(property);
  });
});

function failureOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
