import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { AesPageTokens } from "../../../src/infrastructure/crypto/aes-page-tokens.ts";

const tokens = new AesPageTokens(randomBytes(32));
const cursor = {
  createTime: new Date("2026-11-22T10:37:00.123Z"),
  id: "0b8e4c1e-9b9c-4b57-a8b5-0b0b4b0d5d11",
};

test("a token opens to what was sealed, for its own scope and key only", () => {
  const token = tokens.seal(cursor, "scope");
  expect(tokens.open(token, "scope")).toEqual(cursor);
  expect(tokens.open(token, "other scope")).toBeUndefined();
  expect(new AesPageTokens(randomBytes(32)).open(token, "scope")).toBeUndefined();
});

test("a token tells nothing: two for one place differ, and neither holds its id", () => {
  const [a, b] = [tokens.seal(cursor, "scope"), tokens.seal(cursor, "scope")];
  expect(a).not.toBe(b);
  expect(Buffer.from(a, "base64url").toString("latin1")).not.toContain(cursor.id);
});

test("no changed or made-up token opens, and none throws", () => {
  const sealed = Buffer.from(tokens.seal(cursor, "scope"), "base64url");
  fc.assert(
    fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (position, flip) => {
      const forged = Buffer.from(sealed);
      forged.writeUInt8(forged.readUInt8(position) ^ flip, position);
      expect(tokens.open(forged.toString("base64url"), "scope")).toBeUndefined();
    }),
  );
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 200 }),
      (token) => tokens.open(token, "scope") === undefined,
    ),
  );
  for (let length = 0; length < sealed.length; length++) {
    expect(tokens.open(sealed.subarray(0, length).toString("base64url"), "scope")).toBeUndefined();
  }
});
