import fc from "fast-check";
import { expect, test } from "vitest";
import { sha256Fingerprint } from "../../../src/infrastructure/crypto/sha256-fingerprint.ts";

test("the order of keys does not matter, at any depth", () => {
  expect(sha256Fingerprint({ a: 1, b: { c: 2, d: [3, { e: 4, f: 5 }] } })).toBe(
    sha256Fingerprint({ b: { d: [3, { f: 5, e: 4 }], c: 2 }, a: 1 }),
  );
});

test("what is absent equals what is undefined, and nothing else equals", () => {
  expect(sha256Fingerprint({ a: undefined })).toBe(sha256Fingerprint({}));
  expect(sha256Fingerprint({ a: "" })).not.toBe(sha256Fingerprint({}));
  expect(sha256Fingerprint(["ab", "c"])).not.toBe(sha256Fingerprint(["a", "bc"]));
  expect(sha256Fingerprint(["a", "b"])).not.toBe(sha256Fingerprint(["b", "a"]));
});

test("two fingerprints are equal exactly where the values are", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const equal = canonical(a) === canonical(b);
      expect(sha256Fingerprint(a) === sha256Fingerprint(b)).toBe(equal);
    }),
  );
});

/** An oracle of another make: the sorted list of all paths with their leaves. */
function canonical(value: unknown, path = "$"): string {
  if (typeof value !== "object" || value === null) return `${path}=${typeof value}:${JSON.stringify(value)}`;
  const kind = Array.isArray(value) ? "[]" : "{}";
  const inner = Object.entries(value).map(([key, item]) =>
    canonical(item, `${path}/${kind}${JSON.stringify(key)}`),
  );
  return [`${path}${kind}`, ...inner.sort()].join("\n");
}
