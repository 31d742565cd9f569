import { describe, expect, test } from "vitest";
import { DecoyHashes } from "../../../src/infrastructure/crypto/decoy-hashes.ts";
import type { Effort } from "../../../src/infrastructure/crypto/password-hashes/effort.ts";
import type { PasswordHash } from "../../../src/infrastructure/crypto/password-hashes/password-hash.ts";

const hashOf = (cost: string, user: number, effort: Effort = { of: "digest" }): PasswordHash => ({
  text: `${cost}${user}`,
  cost,
  effort,
  matches: () => expect.fail("nothing is computed to choose"),
});
const key = Buffer.alloc(32, 1);
const own = hashOf("argon2id", 0);
const names = Array.from({ length: 2_000 }, (_, index) => `name-${index}`);
const costsFor = (decoys: DecoyHashes) => names.map((name) => decoys.pick(name).cost);
const share = (costs: readonly string[], cost: string) =>
  costs.filter((other) => other === cost).length / costs.length;

/** Stand-ins that have met so many users of each of these costs. */
function having(met: Record<string, number>, withKey = key): DecoyHashes {
  const decoys = new DecoyHashes(withKey, own);
  for (const [cost, users] of Object.entries(met)) {
    for (let user = 0; user < users; user++) decoys.observe(hashOf(cost, user));
  }
  return decoys;
}

describe("what stands in for a name", () => {
  test("is our own hash, where nobody has been met, or nobody with other costs", () => {
    expect(new Set(names.map((name) => having({}).pick(name)))).toEqual(new Set([own]));
    expect(new Set(names.map((name) => having({ argon2id: 100 }).pick(name)))).toEqual(new Set([own]));
  });

  test("is always the same for the same name, whoever asks with the same key", () => {
    const met = { argon2id: 100, bcrypt: 100, scrypt: 100 };
    expect(costsFor(having(met))).toEqual(costsFor(having(met)));
    const otherwise = costsFor(having(met, Buffer.alloc(32, 2)));
    const same = costsFor(having(met)).filter((cost, index) => cost === otherwise[index]).length;
    // By chance a third.
    expect(same / names.length).toBeLessThan(0.45);
  });

  test("is as frequent as its costs are among the users met", () => {
    const costs = costsFor(having({ argon2id: 60, bcrypt: 30, "sha512-crypt": 10 }));
    expect(share(costs, "argon2id")).toBeCloseTo(0.6, 1);
    expect(share(costs, "bcrypt")).toBeCloseTo(0.3, 1);
    expect(share(costs, "sha512-crypt")).toBeCloseTo(0.1, 1);
  });

  test("hardly moves when more are met: only names that go to the newcomer", () => {
    const before = costsFor(having({ argon2id: 90, bcrypt: 90 }));
    const after = costsFor(having({ argon2id: 90, bcrypt: 90, scrypt: 20 }));
    const moved = names.filter((_, index) => before[index] !== after[index]);
    expect(moved.length / names.length).toBeCloseTo(0.1, 1);
    expect(moved.every((name) => after[names.indexOf(name)] === "scrypt")).toBe(true);
  });

  test("is seldom that of the first who comes", () => {
    expect(share(costsFor(having({ bcrypt: 1 })), "bcrypt")).toBeCloseTo(0.11, 1);
  });

  test("does not change because one user comes again and again", () => {
    const decoys = having({ argon2id: 50, bcrypt: 50 });
    const before = costsFor(decoys);
    for (let times = 0; times < 5_000; times++) decoys.observe(hashOf("bcrypt", 7));
    expect(costsFor(decoys)).toEqual(before);
  });

  test("forgets who was not met for long", () => {
    const decoys = having({ bcrypt: 500, argon2id: 1_024 });
    expect(new Set(costsFor(decoys))).toEqual(new Set(["argon2id"]));
  });

  test("tells at most 32 costs apart, so that a strange import does not make unknown names slow", () => {
    const decoys = having(Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`rounds=${n}`, 1])));
    // And its own.
    expect(new Set(costsFor(decoys)).size).toBe(33);
  });

  test.each<[string, Effort, boolean]>([
    ["bcrypt at cost 11", { of: "bcrypt", cost: 11 }, true],
    ["bcrypt at cost 12", { of: "bcrypt", cost: 12 }, false],
    ["argon2 with 64 MiB", { of: "argon2", memoryKib: 65_536, iterations: 3 }, true],
    ["argon2 with 65 MiB", { of: "argon2", memoryKib: 66_560, iterations: 1 }, false],
    ["PBKDF2 with 1,000,000 iterations", { of: "pbkdf2", iterations: 1_000_000 }, false],
    ["scrypt with N = 2^16", { of: "scrypt", memory: 2 ** 19, work: 2 ** 19 }, false],
    ["1,000,000 rounds of SHA-crypt", { of: "loop", rounds: 1_000_000 }, false],
  ])("is none that would make unknown names slow: %s", (_, effort, mayStandIn) => {
    const decoys = new DecoyHashes(key, own);
    for (let user = 0; user < 60; user++) decoys.observe(hashOf("imported", user, effort));
    expect(costsFor(decoys).includes("imported")).toBe(mayStandIn);
  });

  test("is our own, whatever that costs", () => {
    const dear = hashOf("argon2id", 0, { of: "argon2", memoryKib: 1_048_576, iterations: 4 });
    const decoys = new DecoyHashes(key, dear);
    decoys.observe(dear);
    expect(decoys.pick("a name")).toBe(dear);
  });
});
