import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { AesEventCursors } from "../../../src/infrastructure/crypto/aes-event-cursors.ts";
import { AesPageTokens } from "../../../src/infrastructure/crypto/aes-page-tokens.ts";

const key = randomBytes(32);
const cursors = new AesEventCursors(key);

test("a cursor opens to what was sealed, for its own scope and key only", () => {
  for (const position of [0, 1, 42, Number.MAX_SAFE_INTEGER]) {
    const cursor = cursors.seal(position, "scope");
    expect(cursors.open(cursor, "scope")).toBe(position);
    expect(cursors.open(cursor, "other scope")).toBeUndefined();
    expect(new AesEventCursors(randomBytes(32)).open(cursor, "scope")).toBeUndefined();
  }
});

test("a cursor is no page token, and a page token no cursor, under one key and for one scope", () => {
  const pages = new AesPageTokens(key);
  expect(pages.open(cursors.seal(7, "scope"), "scope")).toBeUndefined();
  expect(cursors.open(pages.seal({ createTime: new Date(7), id: "7" }, "scope"), "scope")).toBeUndefined();
});

test("no changed or made-up cursor opens, and none throws", () => {
  const sealed = Buffer.from(cursors.seal(42, "scope"), "base64url");
  fc.assert(
    fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (place, flip) => {
      const forged = Buffer.from(sealed);
      forged.writeUInt8(forged.readUInt8(place) ^ flip, place);
      expect(cursors.open(forged.toString("base64url"), "scope")).toBeUndefined();
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(cursors.open(text, "scope")).toBeUndefined();
    }),
  );
});
