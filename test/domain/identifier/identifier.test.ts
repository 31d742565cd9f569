import { domainToASCII } from "node:url";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { parseEmail } from "../../../src/domain/identifier/email.ts";
import { canonicalEmailPrefix, parseIdentifier } from "../../../src/domain/identifier/identifier.ts";
import { parseUsername } from "../../../src/domain/identifier/username.ts";
import { anyString, nameLike } from "./unicode-text.ts";

const emailLike = fc.tuple(nameLike, fc.oneof(fc.domain(), nameLike)).map((parts) => parts.join("@"));

describe("parseIdentifier", () => {
  it.each([
    ["a username", "Ada", { kind: "username", key: "ada" }],
    ["an email", "Ada@Example.com", { kind: "email", key: "ada@example.com" }],
    ["an email with a fullwidth @", "Ada＠Example.com", { kind: "email", key: "ada@example.com" }],
    ["neither: two @", "a@b@example.com", undefined],
    ["neither: small @, which is none (Auth.js GHSA-7rqj)", "ada\uFE6Bexample.com", undefined],
    ["neither: two addresses (Auth.js CVE-2022-35924)", "a@x.com,b@y.com", undefined],
    ["neither: a mixed name", "p\u0430ypal", undefined],
    ["neither: nothing", "", undefined],
    ["neither: a lone surrogate", "\uD800", undefined],
    ["neither: a megabyte", "＠".repeat(1 << 20), undefined],
  ])("reads %s", (_, raw, expected) => {
    expect(parseIdentifier(raw, domainToASCII)).toEqual(expected);
  });

  test("finds whom the same text makes, and nobody else", () => {
    const property = fc.property(fc.oneof(anyString, nameLike, emailLike), (raw) => {
      const found = parseIdentifier(raw, domainToASCII);
      const made = {
        email: keyOf(() => parseEmail(raw, "", domainToASCII)),
        username: keyOf(() => parseUsername(raw, "")),
      };
      expect(made.email === undefined || made.username === undefined).toBe(true);
      expect(found?.key).toBe(made.email ?? made.username);
      if (found !== undefined) expect(made[found.kind]).toBe(found.key);
    });
    fc.assert(property, { numRuns: 2000 });
  });
});

describe("canonicalEmailPrefix", () => {
  it.each([
    ["case", "ADA", "ada"],
    ["width", "ａｄａ＠ｅｘ", "ada@ex"],
    ["NFC", "e\u0301", "\u00E9"],
    ["no validation", "a b@@\u200B", "a b@@\u200B"],
    ["nothing", "", ""],
  ])("maps %s", (_, raw, expected) => {
    expect(canonicalEmailPrefix(raw)).toBe(expected);
  });

  test("is idempotent and throws nothing", () => {
    const property = fc.property(fc.oneof(anyString, nameLike), (raw) => {
      const prefix = canonicalEmailPrefix(raw);
      expect(canonicalEmailPrefix(prefix)).toBe(prefix);
    });
    fc.assert(property, { numRuns: 1000 });
  });

  test("of a whole address with an ASCII domain is its key", () => {
    const address = fc.tuple(nameLike, fc.domain()).map((parts) => parts.join("@"));
    const property = fc.property(address, (raw) => {
      const key = keyOf(() => parseEmail(raw, "", domainToASCII));
      fc.pre(key !== undefined);
      expect(canonicalEmailPrefix(raw)).toBe(key);
    });
    fc.assert(property, { numRuns: 1000 });
  });
});

function keyOf(parse: () => { readonly key: string }): string | undefined {
  try {
    return parse().key;
  } catch {
    return undefined;
  }
}
