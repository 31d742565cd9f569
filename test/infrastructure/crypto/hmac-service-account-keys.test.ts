import { randomBytes, randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { HmacServiceAccountKeys } from "../../../src/infrastructure/crypto/hmac-service-account-keys.ts";
import { forgedKeys } from "./forged-service-account-keys.ts";

const keys = new HmacServiceAccountKeys(randomBytes(32));
const id = randomUUID();
const { text, digest } = keys.make(id);

describe("a key", () => {
  test("has a prefix and letters and digits, always as many", () => {
    for (let round = 0; round < 500; round++) {
      expect(keys.make(randomUUID()).text).toMatch(/^auth_sa_[0-9A-Za-z]{70}$/);
    }
  });

  test("is read as what was made, by the same pepper only", () => {
    expect(keys.read(text)?.id).toBe(id);
    expect(keys.equal(keys.read(text)?.digest ?? Buffer.of(), digest)).toBe(true);
    expect(new HmacServiceAccountKeys(randomBytes(32)).read(text)).toBeUndefined();
  });

  test("is another each time, also of one id", () => {
    const again = keys.make(id);
    expect(again.text).not.toBe(text);
    expect(keys.equal(again.digest, digest)).toBe(false);
  });

  test("is not in what is stored or remembered of it", () => {
    const secret = text.slice(-43);
    for (const kept of [
      Buffer.from(digest).toString("latin1"),
      Buffer.from(digest).toString("base64"),
      keys.fingerprint(text),
    ]) {
      expect(kept).not.toContain(secret);
      expect(text).not.toContain(kept);
    }
  });
});

describe("is no key", () => {
  test("with any one character changed: the checksum is wrong", () => {
    for (let place = "auth_sa_".length; place < text.length; place++) {
      const character = text[place] === "a" ? "b" : "a";
      expect(keys.read(text.slice(0, place) + character + text.slice(place + 1))).toBeUndefined();
    }
  });

  test.each([
    ["truncated", text.slice(0, -1)],
    ["longer", `${text}a`],
    ["with another prefix", text.replace("auth_sa_", "auth_sb_")],
    ["without a prefix", text.slice("auth_sa_".length)],
    ["with a blank", `${text} `],
    ["with a line break", `${text}\n`],
    ["the greatest number", `auth_sa_${"z".repeat(70)}`],
    ["empty", ""],
    ["very long", `auth_sa_${"a".repeat(100_000)}`],
  ])("%s", (_name, other) => expect(keys.read(other)).toBeUndefined());
});

// Whoever knows the source must not be able to make a key that is looked up: with a CRC it took one line.
test("10,000 forged keys are not read, whatever they are made of", () => {
  for (const forged of forgedKeys(keys, 10_000)) expect(keys.read(forged)).toBeUndefined();
});

test("a pepper that is not 256 bits is refused", () => {
  expect(() => new HmacServiceAccountKeys(Buffer.alloc(31))).toThrow(RangeError);
});
