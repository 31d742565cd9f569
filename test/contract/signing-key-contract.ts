import { randomBytes, randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import type {
  RelationalRepository,
  Repositories,
} from "../../src/interfaces/relationaldb/relational-repository.ts";
import type { NewSigningKey } from "../../src/interfaces/relationaldb/signing-key-repository.ts";
import { aCall } from "../support/calls.ts";
import { sessionActions } from "./session-actions.ts";

/** Sentence by sentence the signing keys of the port. */
export function signingKeyContract(repositoryOf: () => RelationalRepository): void {
  const transaction = <T>(work: (repositories: Repositories) => Promise<T>) =>
    repositoryOf().transaction(aCall(), work);
  const list = () => repositoryOf().read(aCall()).signingKeys.list();
  const add = (key: NewSigningKey) => transaction(({ signingKeys }) => signingKeys.add(key));
  const rewrap = (id: string, current: Uint8Array, wrapped: Uint8Array) =>
    transaction(({ signingKeys }) => signingKeys.rewrap(id, current, wrapped));
  const remove = (ids: readonly string[]) => transaction(({ signingKeys }) => signingKeys.remove(ids));
  const revoke = (id: string) => transaction(({ signingKeys }) => signingKeys.revoke(id));
  const activate = (id: string) => transaction(({ signingKeys }) => signingKeys.activate(id));
  const only = async () => {
    const { keys, time } = await list();
    expect(keys).toHaveLength(1);
    return { key: keys[0]!, time };
  };

  describe("signing keys", () => {
    beforeEach(async () => remove((await list()).keys.map(({ id }) => id)));

    test("none is a list too, which tells the time", async () => {
      const before = await list();
      expect(before.keys).toEqual([]);
      expect(Math.abs(before.time.getTime() - Date.now())).toBeLessThan(60_000);
      const after = await list();
      expect(after.time.getTime()).toBeGreaterThanOrEqual(before.time.getTime());
    });

    test.each([
      aKey(1),
      aKey(1, { algorithm: "EdDSA", publicJwk: { kty: "OKP", crv: "Ed25519", x: "abc" } }),
      aKey(1, { algorithm: "EdDSA", publicJwk: { kty: "OKP", crv: "Ed25519", x: "abc", y: undefined } }),
    ])("an added key is listed as it was given: $algorithm", async (key) => {
      expect(await add(key)).toBe(true);
      const { id, sequence, algorithm, publicJwk, wrappedPrivateKey } = key;
      const listed = await only();
      expect(listed.key).toMatchObject({ id, sequence, algorithm });
      expect(listed.key.publicJwk).toEqual(publicJwk);
      expect(bytes(listed.key.wrappedPrivateKey)).toEqual(bytes(wrappedPrivateKey));
      expect(listed.key.createTime.getTime()).toBeLessThanOrEqual(listed.time.getTime());
    });

    test("keys are listed by sequence", async () => {
      for (const sequence of [3, 1, 10, 2]) expect(await add(aKey(sequence))).toBe(true);
      expect((await list()).keys.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 10]);
    });

    test("a key is not added where its sequence is taken, and the other stays", async () => {
      const first = aKey(1);
      expect(await add(first)).toBe(true);
      const before = await only();
      expect(await add(aKey(1, { activateAfterMs: 5_000 }))).toBe(false);
      expect((await only()).key).toEqual(before.key);
    });

    test("of eight that add one sequence at once, one does", async () => {
      await add(aKey(1));
      const keys = Array.from({ length: 8 }, () => aKey(2));
      const added = await Promise.all(keys.map(add));
      expect(added.filter(Boolean)).toHaveLength(1);
      expect((await list()).keys.map(({ id }) => id)[1]).toBe(keys[added.indexOf(true)]?.id);
    });

    test("a key is active as soon as it is added", async () => {
      await add(aKey(1));
      const { key } = await only();
      expect(key.activateTime).toEqual(key.createTime);
    });

    test("a key is active after its pause", async () => {
      await add(aKey(1, { activateAfterMs: 90_000 }));
      const { key } = await only();
      expect(key.activateTime.getTime()).toBe(key.createTime.getTime() + 90_000);
    });

    test("a key is never active before the key before it, and no later than it has to be", async () => {
      await add(aKey(1, { activateAfterMs: 90_000 }));
      await add(aKey(2, { activateAfterMs: 60_000 }));
      await add(aKey(3));
      await add(aKey(4, { activateAfterMs: 120_000 }));
      const [first, second, third, fourth] = (await list()).keys;
      expect(second?.activateTime).toEqual(first?.activateTime);
      expect(third?.activateTime).toEqual(first?.activateTime);
      expect(fourth!.activateTime.getTime()).toBe(fourth!.createTime.getTime() + 120_000);
    });

    test("a key that was added but not committed is not there", async () => {
      const error = new Error("no");
      const work = transaction(async ({ signingKeys }) => {
        expect(await signingKeys.add(aKey(1))).toBe(true);
        expect((await signingKeys.list()).keys).toHaveLength(1);
        throw error;
      });
      await expect(work).rejects.toBe(error);
      expect((await list()).keys).toEqual([]);
    });

    test("a private key is wrapped anew only where it is still as it was", async () => {
      const key = aKey(1);
      const [wrapped, late] = [randomBytes(64), randomBytes(64)];
      await add(key);
      const before = (await only()).key;
      expect(await rewrap(key.id, randomBytes(64), late)).toBe(false);
      expect(await rewrap(randomUUID(), key.wrappedPrivateKey, late)).toBe(false);
      expect((await only()).key).toEqual(before);
      expect(await rewrap(key.id, key.wrappedPrivateKey, wrapped)).toBe(true);
      expect(await rewrap(key.id, key.wrappedPrivateKey, late)).toBe(false);
      const { key: after } = await only();
      expect(bytes(after.wrappedPrivateKey)).toEqual(bytes(wrapped));
      expect({ ...after, wrappedPrivateKey: undefined }).toEqual({ ...before, wrappedPrivateKey: undefined });
    });

    test("of eight that wrap one key anew at once, one does", async () => {
      const key = aKey(1);
      await add(key);
      const wrapped = Array.from({ length: 8 }, () => randomBytes(64));
      const done = await Promise.all(wrapped.map((bytes) => rewrap(key.id, key.wrappedPrivateKey, bytes)));
      expect(done.filter(Boolean)).toHaveLength(1);
      expect(bytes((await only()).key.wrappedPrivateKey)).toEqual(bytes(wrapped[done.indexOf(true)]!));
    });

    test("a revoked key is listed without its private key, and is not revoked again", async () => {
      const [key, other] = [aKey(1), aKey(2)];
      await add(key);
      await add(other);
      expect(await revoke(key.id)).toBe(true);
      const first = await list();
      expect(first.keys.map(({ id }) => id)).toEqual([key.id, other.id]);
      const [revoked, kept] = first.keys;
      expect(bytes(revoked!.wrappedPrivateKey)).toEqual([]);
      expect(revoked!.publicJwk).toEqual(key.publicJwk);
      expect(revoked!.revokeTime!.getTime()).toBeLessThanOrEqual(first.time.getTime());
      expect(revoked!.revokeTime!.getTime()).toBeGreaterThanOrEqual(revoked!.createTime.getTime());
      expect(kept!.revokeTime).toBeUndefined();
      expect(bytes(kept!.wrappedPrivateKey)).toEqual(bytes(other.wrappedPrivateKey));
      expect(await revoke(key.id)).toBe(false);
      expect(await revoke(randomUUID())).toBe(false);
      expect((await list()).keys).toEqual(first.keys);
    });

    test("the status of a session tells which keys are revoked", async () => {
      const { begun, anId, statuses } = sessionActions(repositoryOf);
      const session = await begun(await anId());
      const revokedKeys = async () => (await statuses([session.id]))[0]?.revokedKeys;
      const [one, two] = [aKey(1), aKey(2)];
      for (const key of [one, two, aKey(3)]) await add(key);
      expect(await revokedKeys()).toEqual([]);
      await revoke(one.id);
      expect(await revokedKeys()).toEqual([one.id]);
      await revoke(two.id);
      expect([...(await revokedKeys())!].sort()).toEqual([one.id, two.id].sort());
      await remove([one.id]);
      expect(await revokedKeys()).toEqual([two.id]);
    });

    test("of eight that revoke one key at once, one does", async () => {
      const key = aKey(1);
      await add(key);
      const done = await Promise.all(Array.from({ length: 8 }, () => revoke(key.id)));
      expect(done.filter(Boolean)).toHaveLength(1);
    });

    test("a revoked key keeps none after it from being active", async () => {
      const key = aKey(1, { activateAfterMs: 90_000 });
      await add(key);
      await revoke(key.id);
      await add(aKey(2));
      const [, next] = (await list()).keys;
      expect(next!.activateTime).toEqual(next!.createTime);
    });

    test("a key that waits is made active now, and one that is active stays as it is", async () => {
      const [active, waiting] = [aKey(1), aKey(2, { activateAfterMs: 90_000 })];
      await add(active);
      await add(waiting);
      const before = await list();
      await activate(active.id);
      await activate(waiting.id);
      await activate(randomUUID());
      const after = await list();
      expect(after.keys[0]).toEqual(before.keys[0]);
      const { activateTime } = after.keys[1]!;
      expect(activateTime.getTime()).toBeGreaterThanOrEqual(before.time.getTime());
      expect(activateTime.getTime()).toBeLessThanOrEqual(after.time.getTime());
    });

    test("keys are forgotten by id, and no others", async () => {
      const keys = [1, 2, 3].map((sequence) => aKey(sequence));
      for (const key of keys) await add(key);
      await remove([]);
      await remove([randomUUID()]);
      expect((await list()).keys).toHaveLength(3);
      await remove([keys[0]!.id, keys[2]!.id, randomUUID()]);
      expect((await list()).keys.map(({ id }) => id)).toEqual([keys[1]!.id]);
      expect(await add(aKey(1))).toBe(true);
    });
  });
}

function aKey(sequence: number, changes: Partial<NewSigningKey> = {}): NewSigningKey {
  return {
    id: randomUUID(),
    sequence,
    algorithm: "ES256",
    publicJwk: { kty: "EC", crv: "P-256", x: "x-coordinate", y: "y-coordinate" },
    wrappedPrivateKey: randomBytes(64),
    activateAfterMs: 0,
    ...changes,
  };
}

/** The bytes alone: an adapter may answer a Buffer. */
function bytes(array: Uint8Array): number[] {
  return [...array];
}
