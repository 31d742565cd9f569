import { describe, expect, test } from "vitest";
import { signJws } from "../../../src/infrastructure/crypto/jws-signatures.ts";
import { JwtAccessTokens } from "../../../src/infrastructure/crypto/jwt-access-tokens.ts";
import { keyPairOf } from "../../../src/infrastructure/crypto/signing-key-pairs.ts";
import { forgedAccessTokens } from "./forged-access-tokens.ts";
import { misSignedAccessTokens, type SignAnything } from "./mis-signed-access-tokens.ts";
import { keysById, newClaims, openedSigningKey } from "./opened-signing-key.ts";

describe.each(["ES256", "EdDSA"] as const)("of a key of %s", (algorithm) => {
  const key = openedSigningKey(algorithm);
  const keys = keysById(key, openedSigningKey("ES256"), openedSigningKey("EdDSA"));
  const tokens = new JwtAccessTokens();
  const otherClaims = newClaims();
  let [claims, good] = [newClaims(), ""];
  // With a character in which the two kinds of base64 differ, as most tokens have.
  while (!/[-_]/.test(good)) {
    claims = newClaims();
    good = tokens.sign(claims, key);
  }
  const other = tokens.sign(otherClaims, key);

  const sign: SignAnything = (...parts) => {
    const input = parts.map((part) => Buffer.from(part as string).toString("base64url")).join(".");
    const signature = signJws(algorithm, keyPairOf(key).privateKey, Buffer.from(input));
    return `${input}.${signature.toString("base64url")}`;
  };

  const forgeries = forgedAccessTokens({ publicJwk: key.publicJwk, good, other });
  const misSigned = misSignedAccessTokens(good, sign);

  test("the good tokens, from which all others are made, are read", () => {
    expect(tokens.read(good, keys)).toEqual({ claims, keyId: key.id });
    expect(tokens.read(other, keys)).toEqual({ claims: otherClaims, keyId: key.id });
  });

  test("a token is read that is signed as the wrong ones are", () => {
    const [header = "", payload = ""] = good
      .split(".")
      .map((part) => Buffer.from(part, "base64url").toString());
    expect(tokens.read(sign(header, payload), keys)).toEqual({ claims, keyId: key.id });
  });

  test("there are forgeries of both kinds, each of its own name and none of them good", () => {
    const all = [...forgeries, ...misSigned];
    expect(Math.min(forgeries.length, misSigned.length)).toBeGreaterThanOrEqual(100);
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    expect(all.filter(({ token }) => token === good || token === other)).toEqual([]);
    // A change that changed nothing would be read, but for what randomness makes different.
    const inputs = new Set(misSigned.map(({ token }) => token.slice(0, token.lastIndexOf("."))));
    expect(inputs.has(good.slice(0, good.lastIndexOf(".")))).toBe(false);
  });

  describe("no forgery is read", () => {
    test.each(forgeries)("$name", ({ token }) => {
      expect(tokens.read(token, keys)).toBeUndefined();
    });
  });

  describe("nothing else that the key has signed is read", () => {
    test.each(misSigned)("$name", ({ token }) => {
      expect(tokens.read(token, keys)).toBeUndefined();
    });
  });
});
