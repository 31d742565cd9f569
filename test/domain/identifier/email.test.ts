import { domainToASCII } from "node:url";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { DomainError } from "../../../src/domain/errors.ts";
import { parseEmail } from "../../../src/domain/identifier/email.ts";
import { anyString, nameLike, respell, spelling } from "./unicode-text.ts";

const key = (raw: string) => parseEmail(raw, "user.email", domainToASCII).key;
const label = (length: number) => "a".repeat(length);
const domainOf253 = `${label(63)}.${label(63)}.${label(63)}.${label(61)}`;
const invalid = expect.objectContaining({ reason: "EMAIL_INVALID" });

describe("parseEmail", () => {
  it.each([
    ["lower case", "Ada@Example.COM", "ada@example.com"],
    ["all of atext", "!#$%&'*+-/=?^_`{|}~a@example.com", "!#$%&'*+-/=?^_`{|}~a@example.com"],
    ["a plus tag, which is part of the address", "ada+tag@example.com", "ada+tag@example.com"],
    ["dots, which are part of the address", "a.d.a@example.com", "a.d.a@example.com"],
    ["fullwidth, its @ too", "ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ada@example.com"],
    ["é, decomposed", "e\u0301@example.com", "\u00E9@example.com"],
    ["an internationalised local part", "用户@example.com", "用户@example.com"],
    ["an internationalised domain", "ada@Bücher.example", "ada@xn--bcher-kva.example"],
    ["the same domain in A-labels", "ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"],
    ["a domain in Cyrillic", "ada@пример.рф", "ada@xn--e1afmkfd.xn--p1ai"],
    ["a domain whose labels are in two scripts, each in one", "ada@пример.com", "ada@xn--e1afmkfd.com"],
    ["a label in Latin and Japanese, which go together", "ada@abcかな.example", "ada@xn--abc-n73b9f.example"],
    ["a label that mixes scripts, in A-labels", "ada@xn--pypal-4ve.com", "ada@xn--pypal-4ve.com"],
    ["ideographic full stops", "ada@例え。テスト", "ada@xn--r8jz45g.xn--zckzah"],
    ["halfwidth ideographic full stops", "ada@例え｡テスト", "ada@xn--r8jz45g.xn--zckzah"],
    ["ß in the domain is itself", "ada@faß.example", "ada@xn--fa-hia.example"],
    ["a top-level domain with a digit in it", "ada@example.a1", "ada@example.a1"],
    ["64 octets of local part", `${label(64)}@example.com`, `${label(64)}@example.com`],
    ["a label of 63 octets", `a@${label(63)}.com`, `a@${label(63)}.com`],
    ["254 octets", `a@${domainOf253.slice(1)}`, `a@${domainOf253.slice(1)}`],
    ["a right-to-left local part", "שלום@example.com", "שלום@example.com"],
  ])("takes %s", (_, raw, expected) => {
    expect(parseEmail(raw, "user.email", domainToASCII)).toEqual({ value: raw, key: expected });
  });

  it.each([
    ["nothing", ""],
    ["no @", "example.com"],
    ["@ alone", "@"],
    ["no local part", "@example.com"],
    ["no domain", "ada@"],
    ["two addresses (Auth.js CVE-2022-35924)", "a@x.com,b@y.com"],
    ["a label that mixes scripts (UTS #39)", "ada@p\u0430ypal.com"],
    ["a label that mixes scripts, behind an ideographic full stop", "ada@mail\u3002p\u0430ypal\u3002com"],
    ["a label that mixes digits of two scripts", "ada@1\u0662.com"],
    ["a comma in the local part (Auth.js CVE-2022-35924)", "a,b@y.com"],
    ["two addresses by fullwidth @ (Auth.js GHSA-7rqj)", "victim@x.com＠evil.com"],
    ["two addresses by fullwidth @ first (Auth.js GHSA-7rqj)", "evil＠evil.com@x.com"],
    ["two addresses by fullwidth comma", "a，b@y.com"],
    ["small @ (Auth.js GHSA-7rqj)", "ada\uFE6Bexample.com"],
    ["small @ beside an @ (Auth.js GHSA-7rqj)", "a\uFE6Bb@example.com"],
    ["two @", "a@b@example.com"],
    ["a quoted local part", '"a b"@example.com'],
    ["a quoted @", '"a@b"@example.com'],
    ["a comment", "ada(comment)@example.com"],
    ["a comment in the domain", "ada@(comment)example.com"],
    ["a display name", "Ada <ada@example.com>"],
    ["a route", "@a,@b:ada@example.com"],
    ["header injection", "ada@example.com\r\nBcc: b@y.com"],
    ["header injection by fullwidth characters", "ada@example.com\uFF1A"],
    ["a space before", " ada@example.com"],
    ["a space after", "ada@example.com "],
    ["a space inside", "ada lovelace@example.com"],
    ["a leading dot", ".ada@example.com"],
    ["a trailing dot in the local part", "ada.@example.com"],
    ["two dots", "a..da@example.com"],
    ["two dots, one of them fullwidth", "a.．da@example.com"],
    ["65 octets of local part", `${label(65)}@example.com`],
    ["65 octets in fewer characters", `${"é".repeat(33)}@example.com`],
    ["a label of 64 octets", `a@${label(64)}.com`],
    ["a label of more than 63 octets in A-label form", `a@${"ü".repeat(63)}a.com`],
    ["255 octets", `aa@${domainOf253.slice(1)}`],
    ["a domain of 254 octets", `a@${domainOf253}a`],
    ["a megabyte", `${label(1 << 20)}@example.com`],
    ["one label", "ada@localhost"],
    ["a trailing dot in the domain", "ada@example.com."],
    ["a trailing ideographic full stop", "ada@example.com。"],
    ["an empty label", "ada@example..com"],
    ["a leading hyphen", "ada@-example.com"],
    ["a trailing hyphen", "ada@example-.com"],
    ["an underscore in the domain", "ada@ex_ample.com"],
    ["an IPv4 address", "ada@127.0.0.1"],
    ["an IPv4 address, short", "ada@127.1"],
    ["an IPv4 address, hexadecimal", "ada@0x7f.1"],
    ["an IPv4 address, as a number", "ada@2130706433"],
    ["an IPv4 address, fullwidth", "ada@１２７．０．０．１"],
    ["an address literal", "ada@[127.0.0.1]"],
    ["an IPv6 address literal", "ada@[IPv6:::1]"],
    ["a port", "ada@example.com:25"],
    ["a path, which node:url cuts off", "ada@example.com/path"],
    ["a query, which node:url cuts off", "ada@example.com?query"],
    ["a fragment, which node:url cuts off", "ada@example.com#fragment"],
    ["a fullwidth path", "ada@example.com／path"],
    ["a percent escape, which node:url decodes", "ada@ex%61mple.com"],
    ["a fullwidth percent escape", "ada@ex％61mple.com"],
    ["a tab, which node:url drops", "ada@exam\tple.com"],
    ["a newline, which node:url drops", "ada@exam\nple.com"],
    ["a soft hyphen, which IDNA drops", "ada@exam\u00ADple.com"],
    ["a zero-width space, which IDNA drops", "ada@exam\u200Bple.com"],
    ["a variation selector, which IDNA drops", "ada@exam\uFE0Fple.com"],
    ["a combining grapheme joiner, which IDNA drops", "ada@exam\u034Fple.com"],
    ["ZWJ in the domain", "ada@क\u094D\u200Dष.com"],
    ["a right-to-left override in the domain", "ada@exam\u202Eple.com"],
    ["a character that IDNA maps to a/c", "ada@\u2100.com"],
    ["a character that IDNA maps to a dot", "ada@example\u2024com"],
    ["an emoji domain", "ada@\u{1F4A9}.la"],
    ["an A-label that is none", "ada@xn--a.com"],
    ["an A-label that is none, in capitals", "ada@XN--A.com"],
    ["an A-label that IDNA would not make", "ada@xn--ab-m1t.com"],
    ["an A-label against the Bidi Rule", "ada@xn--1-0hc.com"],
    ["a lone surrogate in the domain", "ada@exam\uD800ple.com"],
    ["a lone surrogate in the local part", "a\uD800@example.com"],
    ["NUL in the local part", "ada\0@example.com"],
    ["NUL in the domain", "ada@example\0.com"],
    ["a zero-width space in the local part", "a\u200Bda@example.com"],
    ["ZWJ in the local part", "क\u094D\u200Dष@example.com"],
    ["a right-to-left override in the local part", "\u202Eada@example.com"],
    ["Latin and Cyrillic in the local part", "\u0430da@example.com"],
    ["an emoji in the local part", "\u{1F600}@example.com"],
    ["ligature ﬁ in the local part", "\uFB01@example.com"],
    ["İ in the local part", "\u0130@example.com"],
    ["a combining mark at the beginning of the domain", "ada@\u0338example.com"],
  ])("refuses %s", (_, raw) => {
    expect(() => key(raw)).toThrow(invalid);
  });

  // Django CVE-2019-19844: a password reset for "mıke@example.org" went to the user "mike@example.org".
  test("keeps dotless ı apart from i, in the local part and in the domain", () => {
    expect(key("m\u0131ke@example.org")).not.toBe(key("mike@example.org"));
    expect(key("mike@g\u0131thub.com")).not.toBe(key("mike@github.com"));
  });

  // The key that it is looked up by is what "mike" is looked up by, so that it cannot be another account.
  test("takes the Kelvin sign for k, in the local part and in the domain", () => {
    expect(key("mi\u212Ae@\u212A.example")).toBe("mike@k.example");
  });

  it.each([
    ["undefined", undefined],
    ["empty", ""],
    ["an uppercase name", "EXAMPLE.COM"],
    ["a name with a Kelvin sign", "\u212A.com"],
    ["another address", "x@example.com"],
    ["an IPv4 address", "127.0.0.1"],
  ])("trusts no answer of toAscii that is not in A-labels: %s", (_, answer) => {
    expect(() => parseEmail("ada@example.com", "user.email", () => answer)).toThrow(invalid);
  });

  it.each([
    ["ada", "must contain exactly one '@'"],
    ["a@b＠example.com", "must contain exactly one '@'"],
    ["ada@localhost", "must end in a domain name with at least two labels"],
    ["\u0430da@example.com", "the part before the '@' must be written in one script"],
  ])("names the field and what is wrong with %s", (raw, description) => {
    expect(() => parseEmail(raw, "email", domainToASCII)).toThrow(
      expect.objectContaining({ violations: [{ field: "email", description }] }),
    );
  });

  const emailLike = fc
    .tuple(
      fc.oneof(nameLike, anyString),
      fc.constantFrom("@", "＠", "\uFE6B", "@@", ","),
      fc.oneof(fc.domain(), nameLike, anyString),
      fc.constantFrom(".com", "。jp", "", ".", ".1"),
    )
    .map((parts) => parts.join(""));

  test("throws nothing but DomainError, keeps the raw value, and takes a key as an address of that key", () => {
    const property = fc.property(fc.oneof(emailLike, fc.emailAddress(), anyString), (raw) => {
      const parsed = attempt(raw);
      if (parsed === undefined) return;
      expect(parsed.value).toBe(raw);
      expect(key(parsed.key)).toBe(parsed.key);
      expect(parsed.key).toMatch(/^[^@]+@[a-z0-9.-]+$/);
      expect(parsed.key).not.toMatch(/[\p{Lu}\p{Lt}\p{Z}\p{C}\p{Default_Ignorable_Code_Point}]/u);
      expect(Buffer.byteLength(parsed.key)).toBeLessThanOrEqual(254);
    });
    fc.assert(property, { numRuns: 3000 });
  });

  test("gives every spelling of an address its key", () => {
    const address = fc
      .tuple(nameLike, fc.oneof(fc.domain(), fc.constant("bücher.example")))
      .map((parts) => parts.join("@"));
    const property = fc.property(address, spelling, (raw, how) => {
      const parsed = attempt(raw);
      fc.pre(parsed !== undefined);
      expect(key(respell(raw, how))).toBe(parsed.key);
    });
    fc.assert(property, { numRuns: 1000 });
  });
});

function attempt(raw: string) {
  try {
    return parseEmail(raw, "user.email", domainToASCII);
  } catch (error) {
    expect(error).toBeInstanceOf(DomainError);
    return undefined;
  }
}
