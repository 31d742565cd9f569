import { verify } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AccessTokenClaims } from "../../../src/domain/token/access-tokens.ts";
import { JwtAccessTokens } from "../../../src/infrastructure/crypto/jwt-access-tokens.ts";
import { KeyPair, keyPairOf } from "../../../src/infrastructure/crypto/signing-key-pairs.ts";
import { keysById, newClaims, openedSigningKey } from "./opened-signing-key.ts";

describe.each(["ES256", "EdDSA"] as const)("tokens of %s", (algorithm) => {
  const tokens = new JwtAccessTokens();
  const key = openedSigningKey(algorithm);
  const keys = keysById(key);

  test("are read as they were signed, on every instance", () => {
    const claims = newClaims();
    const token = tokens.sign(claims, key);
    for (const instance of [tokens, new JwtAccessTokens(), new JwtAccessTokens({ memorySize: 0 })]) {
      expect(instance.read(token, keys)).toEqual({ claims, keyId: key.id });
    }
  });

  test("hold any text in their claims", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (text) => {
        const claims = { ...newClaims(), iss: text, aud: text, client_id: text };
        expect(tokens.read(tokens.sign(claims, key), keys)?.claims).toEqual(claims);
      }),
    );
  });

  test("have the header of RFC 9068 and the claims given, and nothing else", () => {
    const given = { ...newClaims(), admin: true };
    const [header = "", payload = ""] = tokens
      .sign(given, key)
      .split(".")
      .map((part) => Buffer.from(part, "base64url").toString());
    expect(header).toBe(`{"alg":"${algorithm}","typ":"at+jwt","kid":"${key.id}"}`);
    const { admin, ...claims } = given;
    expect(JSON.parse(payload)).toEqual(claims);
  });

  test("are verified by node:crypto as RFC 7515 says", () => {
    const token = tokens.sign(newClaims(), key);
    const [input, signature] = [
      token.slice(0, token.lastIndexOf(".")),
      token.slice(token.lastIndexOf(".") + 1),
    ];
    const digest = algorithm === "ES256" ? "sha256" : null;
    const options = { key: keyPairOf(key).publicKey, dsaEncoding: "ieee-p1363" } as const;
    expect(verify(digest, Buffer.from(input), options, Buffer.from(signature, "base64url"))).toBe(true);
  });

  test("are read by their own key only", () => {
    const token = tokens.sign(newClaims(), key);
    expect(tokens.read(token, new Map())).toBeUndefined();
    expect(tokens.read(token, keysById(openedSigningKey(algorithm)))).toBeUndefined();
    expect(tokens.read(token, keysById(openedSigningKey(algorithm, key.id)))).toBeUndefined();
    const otherAlgorithm = algorithm === "ES256" ? "EdDSA" : "ES256";
    expect(tokens.read(token, keysById(openedSigningKey(otherAlgorithm, key.id)))).toBeUndefined();
    expect(tokens.read(token, keys)).toBeDefined();
  });

  test("are not read with one character changed, wherever it is", () => {
    const token = tokens.sign(newClaims(), key);
    for (let position = 0; position < token.length; position++) {
      const character = token[position] === "A" ? "B" : "A";
      const changed = `${token.slice(0, position)}${character}${token.slice(position + 1)}`;
      expect(tokens.read(changed, keys)).toBeUndefined();
    }
  });

  test("are not made of anything", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (token) => {
        expect(tokens.read(token, keys)).toBeUndefined();
      }),
    );
  });
});

test("what is no text is no token", () => {
  const tokens = new JwtAccessTokens();
  for (const value of [undefined, null, 1, {}, ["a.b.c"]]) {
    expect(tokens.read(value as unknown as string, new Map())).toBeUndefined();
  }
});

describe("no token is made that would not be read", () => {
  const tokens = new JwtAccessTokens();
  const key = openedSigningKey("EdDSA");
  test.each<[string, Partial<AccessTokenClaims>]>([
    ["an empty audience", { aud: "" }],
    ["a time in fractions of a second", { exp: 1_900_000_300.5 }],
    ["a time before 1970", { iat: -1 }],
    ["no time", { exp: Number.NaN }],
  ])("%s", (_name, change) => {
    expect(() => tokens.sign({ ...newClaims(), ...change }, key)).toThrow(TypeError);
  });

  test("one that is too long", () => {
    expect(() => tokens.sign({ ...newClaims(), client_id: "x".repeat(3_000) }, key)).toThrow(RangeError);
    const long = tokens.sign({ ...newClaims(), client_id: "x".repeat(2_500) }, key);
    expect(tokens.read(long, keysById(key))).toBeDefined();
  });
});

describe("the memory of tokens", () => {
  /** A key that counts how often it is used to verify. */
  function countedKey() {
    const key = openedSigningKey("EdDSA");
    const { privateKey, publicKey } = keyPairOf(key);
    let count = 0;
    const pair = new KeyPair(privateKey, publicKey);
    Object.defineProperty(pair, "publicKey", {
      get: () => {
        count++;
        return publicKey;
      },
    });
    return { key: { ...key, handle: pair }, verifications: () => count };
  }

  test("saves the second verification, and answers the same", () => {
    const { key, verifications } = countedKey();
    const tokens = new JwtAccessTokens();
    const token = tokens.sign(newClaims(), key);
    const first = tokens.read(token, keysById(key));
    expect(tokens.read(`${token.slice(0, 5)}${token.slice(5)}`, keysById(key))).toEqual(first);
    expect(verifications()).toBe(1);
  });

  test("counts only while the very key that verified is given, under its id", () => {
    const { key } = countedKey();
    const tokens = new JwtAccessTokens();
    const token = tokens.sign(newClaims(), key);
    const others = [new Map(), keysById(openedSigningKey("EdDSA", key.id)), new Map([["another id", key]])];
    for (const keys of others) {
      expect(tokens.read(token, keysById(key))).toBeDefined();
      expect(tokens.read(token, keys)).toBeUndefined();
    }
  });

  test("does not count for the same key opened again: that one verifies for itself", () => {
    const { key, verifications } = countedKey();
    const tokens = new JwtAccessTokens();
    const token = tokens.sign(newClaims(), key);
    expect(tokens.read(token, keysById(key))).toBeDefined();
    expect(tokens.read(token, keysById({ ...key }))).toBeDefined();
    expect(verifications()).toBe(2);
  });

  test("holds as many as it was told, those used last", () => {
    const { key, verifications } = countedKey();
    const tokens = new JwtAccessTokens({ memorySize: 2 });
    const [a, b, c] = [newClaims(), newClaims(), newClaims()].map((claims) => tokens.sign(claims, key));
    const read = (token = "") => {
      const before = verifications();
      expect(tokens.read(token, keysById(key))).toBeDefined();
      return verifications() > before ? "verified" : "remembered";
    };
    expect([a, b, a, c, a, b].map(read)).toEqual([
      "verified",
      "verified",
      "remembered",
      "verified",
      "remembered",
      "verified",
    ]);
  });

  test("holds nothing that was not verified", () => {
    const { key, verifications } = countedKey();
    const tokens = new JwtAccessTokens();
    const token = tokens.sign(newClaims(), key);
    const forged = `${token.slice(0, -10)}AAAAAAAAAA`;
    expect(tokens.read(forged, keysById(key))).toBeUndefined();
    expect(tokens.read(forged, keysById(key))).toBeUndefined();
    expect(verifications()).toBe(2);
  });

  test("cannot be changed through an answer", () => {
    const key = openedSigningKey("EdDSA");
    const tokens = new JwtAccessTokens();
    const answer = tokens.read(tokens.sign(newClaims(), key), keysById(key));
    if (!answer) throw new Error("The token was not read.");
    expect(() => Object.assign(answer, { keyId: "" })).toThrow(TypeError);
    expect(() => Object.assign(answer.claims, { sub: "" })).toThrow(TypeError);
  });
});
