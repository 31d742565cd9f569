import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WrappingKeys } from "../../../src/infrastructure/crypto/wrapping-keys.ts";
import { newWrappingKey } from "./opened-signing-key.ts";

const [oldKey, newKey] = [newWrappingKey(), newWrappingKey()];
const plain = Buffer.from("what is to be kept");

test("what is wrapped opens to what it was, for its own purpose and keys only", () => {
  const keys = WrappingKeys.parse(oldKey);
  const wrapped = keys.wrap(plain, "purpose");
  expect(keys.unwrap(wrapped, "purpose")).toEqual(plain);
  expect(() => keys.unwrap(wrapped, "other purpose")).toThrow("decryption failed");
  expect(() => WrappingKeys.parse(newKey).unwrap(wrapped, "purpose")).toThrow(
    `encrypted with key ${Buffer.from(wrapped).toString("hex", 1, 9)}, which is not one of the wrapping keys`,
  );
});

test("the format is version 1, key id, nonce, sealed bytes and tag", () => {
  const wrapped = WrappingKeys.parse(oldKey).wrap(plain, "");
  expect(wrapped).toHaveLength(1 + 8 + 12 + plain.length + 16);
  expect(wrapped[0]).toBe(1);
  // Another instance with the same key writes the same id, and a nonce of its own.
  const again = WrappingKeys.parse(oldKey).wrap(plain, "");
  expect(again.subarray(0, 9)).toEqual(wrapped.subarray(0, 9));
  expect(again.subarray(9, 21)).not.toEqual(wrapped.subarray(9, 21));
});

test("the first key wraps, the others only unwrap", () => {
  const wrapped = WrappingKeys.parse(oldKey).wrap(plain, "");
  const both = WrappingKeys.parse(`${newKey}\n${oldKey}`);
  expect(both.unwrap(wrapped, "")).toEqual(plain);
  expect(both.isCurrent(wrapped)).toBe(false);
  const rewrapped = both.wrap(plain, "");
  expect(both.isCurrent(rewrapped)).toBe(true);
  expect(WrappingKeys.parse(newKey).unwrap(rewrapped, "")).toEqual(plain);
});

test("no changed bytes open, and none crash", () => {
  const keys = WrappingKeys.parse(`${newKey},${oldKey}`);
  const wrapped = Buffer.from(keys.wrap(plain, ""));
  fc.assert(
    fc.property(fc.nat(wrapped.length - 1), fc.integer({ min: 1, max: 255 }), (position, flip) => {
      const forged = Buffer.from(wrapped);
      forged.writeUInt8(forged.readUInt8(position) ^ flip, position);
      expect(() => keys.unwrap(forged, "")).toThrow(
        /^(not a wrapped secret|encrypted with key|decryption failed)/,
      );
    }),
  );
  for (let length = 0; length < wrapped.length; length++) {
    expect(() => keys.unwrap(wrapped.subarray(0, length), "")).toThrow(
      /^(not a wrapped secret|encrypted with key|decryption failed)/,
    );
  }
});

test("another version is nothing that was wrapped", () => {
  const keys = WrappingKeys.parse(oldKey);
  const wrapped = Buffer.from(keys.wrap(plain, ""));
  wrapped.writeUInt8(2, 0);
  expect(() => keys.unwrap(wrapped, "")).toThrow("not a wrapped secret");
  expect(keys.isCurrent(wrapped)).toBe(false);
});

test("bytes that another key's header was put on do not open", () => {
  const [a, b] = [WrappingKeys.parse(oldKey), WrappingKeys.parse(newKey)];
  const swapped = Buffer.concat([b.wrap(plain, "").subarray(0, 9), a.wrap(plain, "").subarray(9)]);
  expect(() => WrappingKeys.parse(`${oldKey} ${newKey}`).unwrap(swapped, "")).toThrow("decryption failed");
});

describe("keys are read", () => {
  const bytes = randomBytes(32);
  const wrapped = WrappingKeys.parse(bytes.toString("base64")).wrap(plain, "");

  test.each([
    ["base64url", bytes.toString("base64url")],
    ["base64 without padding", bytes.toString("base64").replace("=", "")],
    ["with white space around", `\uFEFF \t${bytes.toString("base64")}\r\n\n`],
    ["after a comment", `# the new one\n\n  # ${newKey}\n${bytes.toString("base64")}`],
    ["apart by commas", `${newKey}, ${bytes.toString("base64")},`],
    ["apart by lines of Windows", `${newKey}\r\n${bytes.toString("base64")}\r\n`],
  ])("%s", (_name, text) => {
    expect(WrappingKeys.parse(text).unwrap(wrapped, "")).toEqual(plain);
  });
});

describe("keys are refused by a sentence that holds none of them", () => {
  const padded = (length: number) => randomBytes(length).toString("base64");
  test.each([
    ["nothing", "", "no wrapping key; make one with: openssl rand -base64 32"],
    ["comments only", `# ${oldKey}\n\n`, "no wrapping key; make one with: openssl rand -base64 32"],
    ["16 bytes", padded(16), "wrapping key 1 has 16 bytes; expected 32"],
    ["33 bytes", `${oldKey}\n${padded(33)}`, "wrapping key 2 has 33 bytes; expected 32"],
    ["hex", randomBytes(32).toString("hex"), "wrapping key 1 has 48 bytes; expected 32"],
    ["no base64", `${oldKey.slice(0, 20)}!${oldKey.slice(21)}`, "wrapping key 1 is not valid base64"],
    ["bits over", `${"x".repeat(42)}B`, "wrapping key 1 is not valid base64"],
    ["one key twice", `${oldKey},${newKey},${oldKey}`, "wrapping keys 1 and 3 are the same"],
    [
      "one key in two spellings",
      `${oldKey}\n${Buffer.from(oldKey, "base64").toString("base64url")}`,
      "wrapping keys 1 and 2 are the same",
    ],
    ["all zero", Buffer.alloc(32).toString("base64"), "wrapping key 1 is not random"],
    ["a pattern", Buffer.alloc(32, "secret").toString("base64"), "wrapping key 1 is not random"],
    [
      "one byte after the other",
      Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString("base64"),
      "wrapping key 1 is not random",
    ],
  ])("%s", (_name, text, sentence) => {
    expect(() => WrappingKeys.parse(text)).toThrow(sentence);
    try {
      WrappingKeys.parse(text);
    } catch (error) {
      for (const word of text.split(/[\s,#]+/).filter(Boolean)) expect(inspect(error)).not.toContain(word);
    }
  });
});

test("keys do not show", () => {
  const shown = [inspect(WrappingKeys.parse(oldKey), { showHidden: true, depth: 9 })];
  shown.push(JSON.stringify(WrappingKeys.parse(oldKey)), `${WrappingKeys.parse(oldKey)}`);
  const forms = [
    oldKey,
    ...(["hex", "base64url"] as const).map((e) => Buffer.from(oldKey, "base64").toString(e)),
  ];
  for (const form of forms) expect(shown.join()).not.toContain(form);
  expect(shown[1]).toBe("{}");
});
