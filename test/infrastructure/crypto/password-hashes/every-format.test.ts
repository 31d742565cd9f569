import { describe, expect, test } from "vitest";
import { readPasswordHash } from "../../../../src/infrastructure/crypto/password-hashes/read-password-hash.ts";
import { foreignHashes } from "./foreign-hashes.ts";

describe("a hash of another implementation", () => {
  test.each(foreignHashes)("$name", async ({ password, hash }) => {
    const read = readPasswordHash(hash);
    const other = `${password.slice(0, -1)}${password.endsWith("x") ? "y" : "x"}`;
    expect(await read.matches(Buffer.from(password))).toBe(true);
    expect(await read.matches(Buffer.from(other))).toBe(false);
  });

  test.each(foreignHashes)("is kept in one spelling: $name", async ({ password, hash }) => {
    const read = readPasswordHash(hash);
    const kept = readPasswordHash(read.text);
    expect([kept.text, kept.cost]).toEqual([read.text, read.cost]);
    if (read.text !== hash) expect(await kept.matches(Buffer.from(password))).toBe(true);
  });
});
