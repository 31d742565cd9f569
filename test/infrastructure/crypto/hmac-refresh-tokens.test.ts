import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HmacRefreshTokens } from "../../../src/infrastructure/crypto/hmac-refresh-tokens.ts";

const key = randomBytes(32);
const tokens = new HmacRefreshTokens(key);
const grant = { sessionId: "0b8e4c1e-9b9c-4b57-a8b5-0b0b4b0d5d11", generation: 7 };
const good = tokens.seal(grant);
const bytes = Buffer.from(good.slice(4), "base64url");

/** A token of any bytes, with the right code. */
function sealed(grantBytes: Buffer): string {
  const code = createHmac("sha256", key).update("auth/refresh-token/1\0").update(grantBytes).digest();
  return `rt1_${Buffer.concat([grantBytes, code]).toString("base64url")}`;
}

test("a token opens to its grant, by its own key only", () => {
  fc.assert(
    fc.property(fc.uuid(), fc.integer({ min: 1, max: 2 ** 48 - 1 }), (sessionId, generation) => {
      expect(tokens.open(tokens.seal({ sessionId, generation }))).toEqual({ sessionId, generation });
    }),
  );
  expect(new HmacRefreshTokens(randomBytes(32)).open(good)).toBeUndefined();
});

test("equal grants have equal tokens, on every instance", () => {
  expect(new HmacRefreshTokens(Buffer.from(key)).seal({ ...grant })).toBe(good);
  expect(tokens.seal({ ...grant, generation: 8 })).not.toBe(good);
  expect(tokens.seal({ ...grant, sessionId: randomUUID() })).not.toBe(good);
});

test("a token is its prefix, session, generation and code", () => {
  expect(good).toMatch(/^rt1_[\w-]{72}$/);
  expect(bytes.toString("hex", 0, 22)).toBe(`${grant.sessionId.replaceAll("-", "")}000000000007`);
  expect(sealed(bytes.subarray(0, 22))).toBe(good);
});

describe("no token is", () => {
  const text = good.slice(4);
  const withPlus = (token: string) => token.replaceAll("-", "+").replaceAll("_", "/");
  test.each<[string, string]>([
    ["nothing", ""],
    ["the prefix alone", "rt1_"],
    ["one without the prefix", text],
    ["one of another version", `rt2_${text}`],
    ["one with a prefix in capitals", `RT1_${text}`],
    ["one with another in front", `${good}${good}`],
    ["one cut short", good.slice(0, -1)],
    ["one with a character more", `${good}A`],
    ["one with padding", `${good}=`],
    ["one with a line's end", `${good}\n`],
    ["one with white space in front", ` ${good}`],
    ["one in the other base64", `rt1_${withPlus(`-_${text.slice(2)}`)}`],
    ["one with a look-alike letter", `${good.slice(0, -1)}А`],
    ["the generation before", `rt1_${flip(bytes, 21, 1).toString("base64url")}`],
    ["another session", `rt1_${flip(bytes, 0, 1).toString("base64url")}`],
    [
      "a code of zeros",
      `rt1_${Buffer.concat([bytes.subarray(0, 22), Buffer.alloc(32)]).toString("base64url")}`,
    ],
    ["generation 0, rightly sealed", sealed(Buffer.concat([bytes.subarray(0, 16), Buffer.alloc(6)]))],
    ["a megabyte", `rt1_${"A".repeat(1 << 20)}`],
  ])("%s", (_name, token) => {
    expect(tokens.open(token)).toBeUndefined();
  });

  test("one with any bit changed", () => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const forged = flip(bytes, bit >> 3, 1 << (bit & 7));
      expect(tokens.open(`rt1_${forged.toString("base64url")}`)).toBeUndefined();
    }
  });

  test("anything made up", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 100 }), (token) => {
        expect(tokens.open(token)).toBeUndefined();
        expect(tokens.open(`rt1_${token}`)).toBeUndefined();
      }),
    );
  });
});

test.each([0, -1, 1.5, Number.NaN, 2 ** 48])("no token is made for generation %d", (generation) => {
  expect(() => tokens.seal({ ...grant, generation })).toThrow(RangeError);
});

test.each(["", "0B8E4C1E-9B9C-4B57-A8B5-0B0B4B0D5D11", "0b8e4c1e9b9c4b57a8b50b0b4b0d5d11"])(
  "no token is made for session '%s'",
  (sessionId) => {
    expect(() => tokens.seal({ ...grant, sessionId })).toThrow(RangeError);
  },
);

test("the key has 32 bytes and does not show", () => {
  expect(() => new HmacRefreshTokens(randomBytes(31))).toThrow(RangeError);
  expect(inspect(tokens, { showHidden: true, depth: 9 })).not.toContain(key.toString("hex").slice(0, 8));
  expect(JSON.stringify(tokens)).toBe("{}");
});

function flip(source: Buffer, position: number, mask: number): Buffer {
  const copy = Buffer.from(source);
  copy.writeUInt8(copy.readUInt8(position) ^ mask, position);
  return copy;
}
