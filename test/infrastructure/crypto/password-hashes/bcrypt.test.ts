import { describe, expect, test } from "vitest";
import { readPasswordHash } from "../../../../src/infrastructure/crypto/password-hashes/read-password-hash.ts";

const matches = (hash: string, password: string) => readPasswordHash(hash).matches(Buffer.from(password));

// All made by bcrypt 4.0.1 for Python, which cuts at 72 bytes as crypt_blowfish does.
const of71 = "$2b$04$YfWdX9JvhEKOxyDvtA52VeHuBee7V/QLH0ENmOQt48xadpjCEBZ.G";
const of72 = "$2b$04$HTjGhrkWUrOpZsJYYmQmK.Gbsrbi33zV550eitoC74tCV9X8ZTzJK";
const of80 = "$2b$04$1SFSgyCp44wgqKspEJa.e.3GJjyz1aC9VAFXiaxGsrSe5K4FlikbO";
const ofWords = "$2b$06$r3fXzcnMjn3SuCBG8oajIeI9/9ikSifGnq6nXHGoIvcQdcna7faWa";
const words = "correct horse battery staple";

describe("bcrypt looks at 72 bytes, and a password is none of its hash's by its beginning (Okta, October 2024)", () => {
  test("the last byte that it looks at counts", async () => {
    expect(await matches(of71, "x".repeat(71))).toBe(true);
    expect(await matches(of71, `${"x".repeat(70)}y`)).toBe(false);
    expect(await matches(of72, "x".repeat(72))).toBe(true);
    expect(await matches(of72, `${"x".repeat(71)}y`)).toBe(false);
    expect(await matches(of71, "x".repeat(72))).toBe(false);
    expect(await matches(of72, "x".repeat(71))).toBe(false);
  });

  test("nothing longer matches, not even what the hash was made of", async () => {
    for (const longer of ["x".repeat(73), `${"x".repeat(72)}y`, "x".repeat(80), `${"x".repeat(79)}y`]) {
      expect(await matches(of72, longer)).toBe(false);
      expect(await matches(of80, longer)).toBe(false);
    }
    // 36 characters of two bytes, and one more.
    expect(await matches(of72, "ü".repeat(37))).toBe(false);
  });

  test("$bcrypt-cut$ says that its system cut: then what begins alike matches", async () => {
    for (const password of ["x".repeat(72), "x".repeat(80), `${"x".repeat(79)}y`]) {
      expect(await matches(`$bcrypt-cut${of80}`, password)).toBe(true);
    }
    expect(await matches(`$bcrypt-cut${of80}`, `${"x".repeat(71)}y${"x".repeat(8)}`)).toBe(false);
    expect(await matches(`$bcrypt-cut${of80}`, "x".repeat(71))).toBe(false);
  });

  test("what is hashed before bcrypt counts whole", async () => {
    // Django 5.2 and the formula of WordPress 6.8, both by bcrypt 4.0.1 for Python: of 100 times "x".
    const django = "bcrypt_sha256$$2b$04$U/pqaDPpu1Vl0F4BqEHJ9eDJpE7vNb6icpdg/9E/DwfCO.au/ls1S";
    const wordPress = "$wp$2y$04$rzQsHE31gRqh8/1KW44tB.y69vCVb3acgwjPbsUyZg3alQlYsyUte";
    for (const hash of [django, wordPress]) {
      expect(await matches(hash, "x".repeat(100))).toBe(true);
      expect(await matches(hash, `${"x".repeat(99)}y`)).toBe(false);
      expect(await matches(hash, "x".repeat(101))).toBe(false);
    }
    expect(await matches(wordPress, ` \t${"x".repeat(100)}\n`)).toBe(true);
    expect(await matches(django, `${"x".repeat(100)} `)).toBe(false);
  });
});

test("a NUL ends nothing: what stands after it counts", async () => {
  for (const hash of [ofWords, `$bcrypt-cut${ofWords}`, ofWords.replace("$2b", "$2a")]) {
    expect(await matches(hash, words)).toBe(true);
    expect(await matches(hash, `${words}\0`)).toBe(false);
    expect(await matches(hash, `${words}\0more`)).toBe(false);
  }
});

test("2a, 2b and 2y are one function", async () => {
  for (const version of ["2a", "2b", "2y"]) {
    expect(await matches(ofWords.replace("2b", version), words)).toBe(true);
    expect(await matches(ofWords.replace("2b", version), `${words}r`)).toBe(false);
  }
});
