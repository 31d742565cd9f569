import { expect, test } from "vitest";
import { Argon2PasswordHasher } from "../../../src/infrastructure/crypto/argon2-password-hasher.ts";
import { HashPool } from "../../../src/infrastructure/crypto/hash-pool.ts";
import { aCall } from "../../support/calls.ts";

const floor = { memoryKib: 19_456, iterations: 2, parallelism: 1 };
const pool = new HashPool({ concurrency: 2, queueLimit: 100 });
const hasher = new Argon2PasswordHasher(pool, floor);

test("a hash is a PHC string of argon2id with its cost, a 128-bit salt and a 256-bit tag", async () => {
  const hash = await hasher.hash(aCall(), "correct horse battery staple");
  const [, algorithm, version, cost, salt, tag] = hash.split("$");
  expect([algorithm, version, cost]).toEqual(["argon2id", "v=19", "m=19456,t=2,p=1"]);
  expect(Buffer.from(salt ?? "", "base64")).toHaveLength(16);
  expect(Buffer.from(tag ?? "", "base64")).toHaveLength(32);
});

test("two hashes of one password differ, and both verify; another password does not", async () => {
  const [a, b] = [await hasher.hash(aCall(), "x".repeat(15)), await hasher.hash(aCall(), "x".repeat(15))];
  expect(a).not.toBe(b);
  expect(await hasher.verify(aCall(), "x".repeat(15), a)).toBe(true);
  expect(await hasher.verify(aCall(), "x".repeat(15), b)).toBe(true);
  expect(await hasher.verify(aCall(), "x".repeat(14), a)).toBe(false);
});

test("every byte counts: no truncation at 64, 72, 128 bytes or NUL (Okta 2024)", async () => {
  for (const length of [64, 72, 128, 256]) {
    const password = "a".repeat(length);
    const hash = await hasher.hash(aCall(), `${password}x`);
    expect(await hasher.verify(aCall(), `${password}y`, hash)).toBe(false);
    expect(await hasher.verify(aCall(), `${password}`, hash)).toBe(false);
  }
  const hash = await hasher.hash(aCall(), "before\0after");
  expect(await hasher.verify(aCall(), "before\0other", hash)).toBe(false);
});

// Made by the reference implementation's command line (phc-winner-argon2, Debian package argon2 0~20171227):
// echo -n "correct horse battery staple" | argon2 somesaltsomesalt -id -t 2 -k 19456 -p 1 -l 32 -e
test("verifies what the reference implementation made", async () => {
  const hash =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$ISO7kkvFzh19GM8qB7patN3C3Y9HHsjlVTfEZ9T600Y";
  expect(await hasher.verify(aCall(), "correct horse battery staple", hash)).toBe(true);
  expect(hasher.isOutdated(hash)).toBe(false);
});

test("without a hash it does the same work and is never right", async () => {
  const time = async (hash: string | undefined) => {
    const startedAt = process.cpuUsage();
    expect(await hasher.verify(aCall(), "x".repeat(20), hash)).toBe(false);
    return process.cpuUsage(startedAt).user;
  };
  const real = await hasher.hash(aCall(), "y".repeat(20));
  const sum = { real: 0, dummy: 0 };
  for (let i = 0; i < 10; i++) {
    sum.real += await time(real);
    sum.dummy += await time(undefined);
  }
  // No timing test (docs/benchmarks.md and issue 5 have those): only that a hash is computed at all.
  expect(sum.dummy).toBeGreaterThan(sum.real / 2);
});

test("a hash of other costs or of another function is outdated", async () => {
  const dearer = new Argon2PasswordHasher(pool, { ...floor, iterations: 3 });
  const hash = await hasher.hash(aCall(), "x".repeat(15));
  expect(hasher.isOutdated(hash)).toBe(false);
  expect(dearer.isOutdated(hash)).toBe(true);
  expect(hasher.isOutdated("$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234")).toBe(true);
});
