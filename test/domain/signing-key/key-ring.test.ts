import { beforeEach, describe, expect, test } from "vitest";
import type { KeyRing } from "../../../src/domain/signing-key/key-ring.ts";
import { askedOf } from "../../support/asked.ts";
import { aCall } from "../../support/calls.ts";
import { Clocks, hour, minute } from "../../support/clocks.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { aKeyRing, newWrappingKey, type RingOptions } from "../../support/token-parts.ts";

const schedule = { rotationMs: 24 * hour, maxAgeMs: 5 * minute, tokenLifetimeMs: 7 * minute };
const leadMs = 2 * schedule.maxAgeMs;

let clocks: Clocks;
let repository: InMemoryRepository;

beforeEach(() => {
  clocks = new Clocks();
  repository = new InMemoryRepository(clocks.database);
});

const aRing = (options: RingOptions = {}) => aKeyRing(repository, clocks, { schedule, ...options });
const maintained = async (options?: RingOptions) => {
  const ring = aRing(options);
  await ring.maintain(aCall());
  return ring;
};
const rows = async () => (await repository.read(aCall()).signingKeys.list()).keys;
const published = (ring: KeyRing) => ring.published().map(({ sequence }) => sequence);
const signing = (ring: KeyRing) => ring.signingAt(clocks.databaseMs).sequence;

/** A ring that has had its first key for as long as a second one takes to be due. */
async function withSecondKey() {
  const ring = await maintained();
  clocks.pass(schedule.rotationMs - leadMs);
  await ring.maintain(aCall());
  const [first = expect.fail(), second = expect.fail()] = await rows();
  return { ring, first, second };
}

describe("the first key", () => {
  test("signs at once", async () => {
    const ring = await maintained();
    expect(await rows()).toMatchObject([
      { sequence: 1, algorithm: "EdDSA", createTime: clocks.database(), activateTime: clocks.database() },
    ]);
    expect(signing(ring)).toBe(1);
    expect(published(ring)).toEqual([1]);
    expect([...ring.keys.keys()]).toEqual([ring.signingAt(clocks.databaseMs).id]);
  });

  test("is one, however many begin at once", async () => {
    const rings = await Promise.all(Array.from({ length: 5 }, () => maintained()));
    expect(await rows()).toHaveLength(1);
    expect(new Set(rings.map((ring) => ring.signingAt(clocks.databaseMs).id)).size).toBe(1);
  });

  test("signs also by a clock that is a little behind the one that it was made by", async () => {
    const ring = await maintained();
    expect(ring.signingAt(clocks.databaseMs - 500).sequence).toBe(1);
  });

  test("is missed where it has not been looked for", () => {
    const ring = aRing();
    expect(() => ring.signingAt(clocks.databaseMs)).toThrow("no signing key is active");
    expect(ring.published()).toEqual([]);
    expect(ring.isValidAt("x", clocks.databaseMs)).toBe(false);
  });
});

describe("the next key", () => {
  test("is added when it is due twice the max-age later, and not before", async () => {
    const ring = await maintained();
    clocks.pass(schedule.rotationMs - leadMs - 1);
    await ring.maintain(aCall());
    expect(await rows()).toHaveLength(1);
    clocks.pass(1);
    await ring.maintain(aCall());
    const [first, second] = await rows();
    expect(second).toMatchObject({
      sequence: 2,
      createTime: clocks.database(),
      activateTime: new Date((first?.activateTime.getTime() ?? 0) + schedule.rotationMs),
    });
    await ring.maintain(aCall());
    expect(await rows()).toHaveLength(2);
  });

  test("is published at once and signs from its time on", async () => {
    const { ring, second } = await withSecondKey();
    expect(published(ring)).toEqual([2, 1]);
    expect(signing(ring)).toBe(1);
    clocks.pass(second.activateTime.getTime() - clocks.databaseMs - 1);
    expect(signing(ring)).toBe(1);
    clocks.pass(1);
    expect(signing(ring)).toBe(2);
    expect(published(ring)).toEqual([2, 1]);
  });

  test("that is late is published twice the max-age before it signs all the same", async () => {
    const ring = await maintained();
    clocks.pass(5 * schedule.rotationMs);
    await ring.maintain(aCall());
    const [, second] = await rows();
    expect(second?.activateTime.getTime()).toBe(clocks.databaseMs + leadMs);
    expect(signing(ring)).toBe(1);
    clocks.pass(leadMs);
    expect(signing(ring)).toBe(2);
  });

  test("is one, whoever finds it due", async () => {
    const rings = await Promise.all(Array.from({ length: 4 }, () => maintained()));
    clocks.pass(schedule.rotationMs);
    await Promise.all(rings.map((ring) => ring.maintain(aCall())));
    expect((await rows()).map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect(new Set(rings.map((ring) => JSON.stringify(published(ring))))).toEqual(new Set(["[2,1]"]));
  });
});

describe("a key whose successor signs", () => {
  test("is good and published for exactly as long as a token is good", async () => {
    const { ring, first, second } = await withSecondKey();
    const retired = second.activateTime.getTime() + schedule.tokenLifetimeMs;
    expect(ring.isValidAt(first.id, retired - 1)).toBe(true);
    expect(ring.isValidAt(first.id, retired)).toBe(false);
    expect(ring.isValidAt(second.id, retired + 100 * schedule.rotationMs)).toBe(true);
    // By its own clock: without looking at the database again.
    clocks.pass(retired - clocks.databaseMs - 1);
    expect(published(ring)).toEqual([2, 1]);
    clocks.pass(1);
    expect(published(ring)).toEqual([2]);
  });

  test("is then forgotten, and not before", async () => {
    const { ring, first, second } = await withSecondKey();
    const other = await maintained();
    clocks.pass(second.activateTime.getTime() + schedule.tokenLifetimeMs - 1 - clocks.databaseMs);
    await ring.maintain(aCall());
    expect(await rows()).toHaveLength(2);
    clocks.pass(1);
    await ring.maintain(aCall());
    expect((await rows()).map(({ id }) => id)).toEqual([second.id]);
    await ring.reload(aCall());
    expect([...ring.keys.keys()]).toEqual([second.id]);
    // Whoever has not looked since knows it still, and it is no good there either.
    expect(other.keys.has(first.id)).toBe(true);
    expect(other.isValidAt(first.id, clocks.databaseMs)).toBe(false);
    expect(signing(other)).toBe(2);
  });

  test("does not keep the key after it from signing by a clock that was set back", async () => {
    const { ring, second } = await withSecondKey();
    clocks.pass(second.activateTime.getTime() + schedule.tokenLifetimeMs - clocks.databaseMs);
    await ring.maintain(aCall());
    await ring.reload(aCall());
    clocks.databaseMs -= hour;
    expect(signing(ring)).toBe(2);
  });
});

describe("what is known is old", () => {
  test("before it was looked for, and a max-age after", async () => {
    const ring = aRing();
    expect(ring.isStale).toBe(true);
    await ring.reload(aCall());
    expect(ring.isStale).toBe(false);
    clocks.pass(schedule.maxAgeMs);
    expect(ring.isStale).toBe(false);
    clocks.pass(1);
    expect(ring.isStale).toBe(true);
    await ring.maintain(aCall());
    expect(ring.isStale).toBe(false);
    expect(ring.maxAgeMs).toBe(schedule.maxAgeMs);
  });

  test("by this process's clock, counted from the question and not from the answer", async () => {
    const ring = aRing();
    const { read } = repository;
    repository.read = (call) => {
      const readers = read.call(repository, call);
      const list = async () => {
        const answer = await readers.signingKeys.list();
        clocks.pass(schedule.maxAgeMs);
        return answer;
      };
      return { ...readers, signingKeys: { list } };
    };
    await ring.reload(aCall());
    expect(ring.isStale).toBe(false);
    clocks.databaseMs += hour;
    expect(ring.isStale).toBe(false);
    clocks.processMs += 1;
    expect(ring.isStale).toBe(true);
  });

  test("still, where they could not be loaded, and what is known stays", async () => {
    const ring = await maintained();
    clocks.pass(schedule.maxAgeMs + 1);
    const { read } = repository;
    repository.read = () => {
      throw new Error("the database has gone");
    };
    await expect(ring.maintain(aCall())).rejects.toThrow("the database has gone");
    expect(ring.isStale).toBe(true);
    expect(signing(ring)).toBe(1);
    repository.read = read;
    await ring.reload(aCall());
    expect(ring.isStale).toBe(false);
  });
});

describe("tryReload", () => {
  test("looks at the keys only where they are old", async () => {
    const ring = await maintained();
    const asked = askedOf(repository);
    clocks.pass(schedule.maxAgeMs);
    await ring.tryReload(aCall());
    expect(asked).toEqual([]);
    clocks.pass(1);
    await ring.tryReload(aCall());
    await ring.tryReload(aCall());
    expect(asked.map(({ what }) => what)).toEqual(["signingKeys.list"]);
  });

  test("does with what is known where they cannot be looked at", async () => {
    const ring = await maintained();
    clocks.pass(schedule.maxAgeMs + 1);
    repository.read = () => {
      throw new Error("the database has gone");
    };
    await ring.tryReload(aCall());
    expect(published(ring)).toEqual([1]);
    expect(ring.isStale).toBe(true);
  });
});

describe("another wrapping key", () => {
  const [older, newer] = [newWrappingKey(), newWrappingKey()];

  test("wraps all keys anew when it comes first, and then suffices", async () => {
    const before = await maintained({ wrappingKeys: older });
    await expect(maintained({ wrappingKeys: newer })).rejects.toThrow(
      "which is not one of the wrapping keys",
    );
    const wrapped = (await rows()).map(({ wrappedPrivateKey }) => wrappedPrivateKey);
    // Reading alone changes nothing.
    await aRing({ wrappingKeys: `${newer},${older}` }).reload(aCall());
    expect((await rows()).map(({ wrappedPrivateKey }) => wrappedPrivateKey)).toEqual(wrapped);
    await maintained({ wrappingKeys: `${newer},${older}` });
    const after = await maintained({ wrappingKeys: newer });
    expect(after.signingAt(clocks.databaseMs).publicJwk).toEqual(
      before.signingAt(clocks.databaseMs).publicJwk,
    );
    await expect(maintained({ wrappingKeys: older })).rejects.toThrow(
      "which is not one of the wrapping keys",
    );
  });

  test("changes nothing where the current one has wrapped them", async () => {
    const ring = await maintained();
    const asked = askedOf(repository);
    await ring.maintain(aCall());
    expect(asked.map(({ what }) => what)).toEqual(["signingKeys.list"]);
  });

  test("that cannot open one key opens none, and what is known stays", async () => {
    const ring = await maintained({ wrappingKeys: older });
    clocks.pass(schedule.rotationMs);
    await maintained({ wrappingKeys: `${newer},${older}` });
    const [first] = await rows();
    await expect(ring.reload(aCall())).rejects.toThrow(/^signing key [0-9a-f-]{36}: encrypted with key/);
    expect([...ring.keys.keys()]).toEqual([first?.id]);
  });
});
