import { beforeEach, describe, expect, test } from "vitest";
import { aCall } from "../../support/calls.ts";
import { Clocks, hour, minute } from "../../support/clocks.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { aKeyRing, newWrappingKey, type RingOptions } from "../../support/token-parts.ts";

const schedule = { rotationMs: 24 * hour, maxAgeMs: 5 * minute, tokenLifetimeMs: 7 * minute };
const leadMs = 2 * schedule.maxAgeMs;
const everyEvent = {
  userId: undefined,
  types: [],
  outcome: undefined,
  caller: undefined,
  createdAfter: undefined,
  createdBefore: undefined,
  after: undefined,
};

let clocks: Clocks;
let repository: InMemoryRepository;

beforeEach(() => {
  clocks = new Clocks();
  repository = new InMemoryRepository(clocks.database);
});

const aRing = (options: RingOptions = {}) => aKeyRing(repository, clocks, { schedule, ...options });
const rows = async () => (await repository.read(aCall()).signingKeys.list()).keys;
const inMs = (ms: number) => new Date(clocks.databaseMs + ms);

describe("a rotation that an operator asks for", () => {
  test("makes the first key where there is none, and it signs at once", async () => {
    const ring = aRing();
    expect(await ring.rotate(aCall())).toMatchObject({ added: true, key: { sequence: 1 } });
    expect(ring.signingAt(clocks.databaseMs).sequence).toBe(1);
  });

  test("publishes the next key at once, long before it is due, and lets it sign after twice the max-age", async () => {
    const [ring, service] = [aRing(), aRing()];
    await service.maintain(aCall());
    clocks.pass(hour);
    const { key, added } = await ring.rotate(aCall());
    expect({ added, activateTime: key.activateTime }).toEqual({ added: true, activateTime: inMs(leadMs) });
    await service.maintain(aCall());
    expect(service.published().map(({ sequence }) => sequence)).toEqual([2, 1]);
    expect(service.signingAt(clocks.databaseMs).sequence).toBe(1);
    clocks.pass(leadMs);
    expect(service.signingAt(clocks.databaseMs).id).toBe(key.id);
    // The schedule goes on from there.
    clocks.pass(schedule.rotationMs - leadMs - 1);
    await service.maintain(aCall());
    expect(await rows()).toHaveLength(1);
    clocks.pass(1);
    await service.maintain(aCall());
    expect(await rows()).toHaveLength(2);
  });

  test("adds none where the next one waits already, whoever added it", async () => {
    const ring = aRing();
    await ring.maintain(aCall());
    const { key } = await ring.rotate(aCall());
    expect(await aRing().rotate(aCall())).toMatchObject({ added: false, key: { id: key.id } });
    clocks.pass(leadMs);
    expect(await ring.rotate(aCall())).toMatchObject({ added: true, key: { sequence: 3 } });
  });

  test("that two ask for at once is one", async () => {
    await aRing().maintain(aCall());
    const answers = await Promise.all([1, 2, 3].map(() => aRing().rotate(aCall())));
    expect((await rows()).map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect(new Set(answers.map(({ key }) => key.id)).size).toBe(1);
    expect(answers.filter(({ added }) => added)).toHaveLength(1);
  });
});

describe("a key that is revoked", () => {
  const sequences = (ring: { published(): readonly { sequence: number }[] }) =>
    ring.published().map(({ sequence }) => sequence);
  const signing = (ring: ReturnType<typeof aRing>) => ring.signingAt(clocks.databaseMs);
  const types = async () =>
    (await repository.read(aCall()).events.list({ ...everyEvent, limit: 100 }))
      .map(({ type }) => type)
      .sort();
  const added = "signing-key.added";
  const revoked = "signing-key.revoked";

  test("is not good, is not published, and a new key signs at once where none waits", async () => {
    const [ring, service] = [aRing(), aRing()];
    await service.maintain(aCall());
    const { id } = signing(service);
    clocks.pass(hour);
    const answer = await ring.revoke(aCall(), id);
    expect(answer).toMatchObject({ id, revokeTime: inMs(0), signing: { sequence: 2 } });
    for (const each of [ring, service]) {
      await each.reload(aCall());
      expect(each.keys.has(id)).toBe(false);
      expect(each.isValidAt(id, clocks.databaseMs)).toBe(false);
      expect(sequences(each)).toEqual([2]);
      expect(signing(each).sequence).toBe(2);
    }
    expect(await types()).toEqual([added, added, revoked]);
  });

  test("makes way for the key that waits, which signs at once and as long as any", async () => {
    const ring = aRing();
    await ring.maintain(aCall());
    const { key: next } = await ring.rotate(aCall());
    const answer = await ring.revoke(aCall(), signing(ring).id);
    expect(answer.signing).toMatchObject({ id: next.id, activateTime: inMs(0) });
    expect(await rows()).toHaveLength(2);
    clocks.pass(schedule.rotationMs - leadMs);
    await ring.maintain(aCall());
    expect((await rows()).at(-1)).toMatchObject({ sequence: 3, activateTime: inMs(leadMs) });
  });

  test("before its time leaves the one that signs alone, and the schedule makes another", async () => {
    const ring = aRing();
    await ring.maintain(aCall());
    const first = signing(ring);
    const { key: waiting } = await ring.rotate(aCall());
    expect((await ring.revoke(aCall(), waiting.id)).signing.id).toBe(first.id);
    // Its time comes, and changes nothing.
    clocks.pass(leadMs + schedule.tokenLifetimeMs);
    await ring.maintain(aCall());
    expect(signing(ring).id).toBe(first.id);
    expect(ring.isValidAt(first.id, clocks.databaseMs)).toBe(true);
    clocks.pass(schedule.rotationMs - 2 * leadMs - schedule.tokenLifetimeMs);
    await ring.maintain(aCall());
    const [next] = ring.published();
    expect(next).toMatchObject({ activateTime: inMs(leadMs) });
    expect([first.id, waiting.id]).not.toContain(next?.id);
    expect(await ring.rotate(aCall())).toMatchObject({ added: false, key: { id: next?.id } });
  });

  test("after its time leaves the one that signs alone, and those before it good as long as ever", async () => {
    const ring = aRing();
    await ring.maintain(aCall());
    const [one] = await rows();
    await ring.rotate(aCall());
    clocks.pass(leadMs);
    await ring.rotate(aCall());
    const [, two, three] = await rows();
    expect((await ring.revoke(aCall(), two!.id)).signing.id).toBe(three!.id);
    expect(ring.isValidAt(one!.id, clocks.databaseMs + schedule.tokenLifetimeMs - 1)).toBe(true);
    expect(ring.isValidAt(one!.id, clocks.databaseMs + schedule.tokenLifetimeMs)).toBe(false);
    expect(sequences(ring)).toEqual([3, 1]);
  });

  test("does not come back: neither by revoking it again, nor by upkeep, nor after it is forgotten", async () => {
    const ring = aRing();
    await ring.maintain(aCall());
    const { id } = signing(ring);
    const { revokeTime } = await ring.revoke(aCall(), id);
    clocks.pass(minute);
    const again = await ring.revoke(aCall(), id);
    expect(again).toMatchObject({ revokeTime, signing: { sequence: 2 } });
    expect(await types()).toEqual([added, added, revoked]);
    expect((await ring.list(aCall())).map(({ state }) => state)).toEqual(["revoked", "signing"]);
    // It is known as long as an instance may be without word of it.
    clocks.pass(leadMs + schedule.tokenLifetimeMs - minute - 1);
    await ring.maintain(aCall());
    expect(await rows()).toHaveLength(2);
    clocks.pass(1);
    await ring.maintain(aCall());
    expect((await rows()).map(({ sequence }) => sequence)).toEqual([2]);
    expect(ring.isValidAt(id, clocks.databaseMs)).toBe(false);
    await expect(ring.revoke(aCall(), id)).rejects.toMatchObject({ reason: "SIGNING_KEY_NOT_FOUND" });
  });

  test("does not come back by a read that began before and is answered last", async () => {
    const ring = aRing();
    await ring.maintain(aCall());
    const { id } = signing(ring);
    const early = await repository.read(aCall()).signingKeys.list();
    const answered = Promise.withResolvers<typeof early>();
    const { read } = repository;
    repository.read = (call) => {
      const readers = read.call(repository, call);
      return { ...readers, signingKeys: { ...readers.signingKeys, list: () => answered.promise } };
    };
    const reading = ring.reload(aCall());
    repository.read = read;
    clocks.pass(1);
    await ring.revoke(aCall(), id);
    answered.resolve(early);
    await reading;
    expect(ring.keys.has(id)).toBe(false);
    expect(signing(ring).id).not.toBe(id);
  });

  test("by several at once is revoked once, and has one successor", async () => {
    const ring = aRing();
    await ring.maintain(aCall());
    const { id } = signing(ring);
    const answers = await Promise.all([1, 2, 3].map(() => aRing().revoke(aCall(), id)));
    expect(new Set(answers.map(({ signing: { id: next } }) => next)).size).toBe(1);
    expect(await types()).toEqual([added, added, revoked]);
  });

  test("one after the other until all are revoked, each time another signs", async () => {
    const ring = aRing();
    await ring.maintain(aCall());
    await ring.rotate(aCall());
    const seen = new Set<string>();
    for (let turn = 0; turn < 4; turn++) {
      const { id } = signing(ring);
      expect(seen.has(id)).toBe(false);
      seen.add(id);
      await ring.revoke(aCall(), id);
      clocks.pass(1);
    }
    expect(sequences(ring)).toEqual([5]);
  });

  test("that there is not is not found, and nothing is changed", async () => {
    const ring = aRing();
    await ring.maintain(aCall());
    const before = await rows();
    await expect(ring.revoke(aCall(), "5f0c5ae2-7a2c-4e0e-9d2c-0c3f9b8f2c11")).rejects.toMatchObject({
      reason: "SIGNING_KEY_NOT_FOUND",
    });
    expect(await rows()).toEqual(before);
  });

  test("needs no wrapping key, as its private key is erased", async () => {
    const [old, young] = [newWrappingKey(), newWrappingKey()];
    const before = aRing({ wrappingKeys: old });
    await before.maintain(aCall());
    const { id } = signing(before);
    await aRing({ wrappingKeys: `${young},${old}` }).revoke(aCall(), id);
    const operator = aRing({ wrappingKeys: young });
    expect(await operator.rewrap(aCall())).toEqual({ keys: 2, rewrapped: 0 });
    await operator.maintain(aCall());
    expect(sequences(operator)).toEqual([2]);
  });
});

test("the list says of every key what it is, since when and until when", async () => {
  const ring = aRing();
  expect(await ring.list(aCall())).toEqual([]);
  await ring.maintain(aCall());
  const begin = clocks.databaseMs;
  clocks.pass(hour);
  await ring.rotate(aCall());
  const states = async () => (await ring.list(aCall())).map(({ state }) => state);
  expect(await ring.list(aCall())).toMatchObject([
    {
      sequence: 1,
      state: "signing",
      createTime: new Date(begin),
      deactivateTime: inMs(leadMs),
      retireTime: inMs(leadMs + schedule.tokenLifetimeMs),
    },
    {
      sequence: 2,
      state: "next",
      deactivateTime: inMs(leadMs + schedule.rotationMs),
      retireTime: undefined,
    },
  ]);
  clocks.pass(leadMs);
  expect(await states()).toEqual(["published", "signing"]);
  clocks.pass(schedule.tokenLifetimeMs);
  expect(await states()).toEqual(["retired", "signing"]);
});

test("what an old wrapping key wraps is wrapped anew, and counted, once", async () => {
  const [old, young] = [newWrappingKey(), newWrappingKey()];
  const before = aRing({ wrappingKeys: old });
  await before.maintain(aCall());
  await before.rotate(aCall());
  const operator = aRing({ wrappingKeys: `${young},${old}` });
  expect(await operator.rewrap(aCall())).toEqual({ keys: 2, rewrapped: 2 });
  expect(await operator.rewrap(aCall())).toEqual({ keys: 2, rewrapped: 0 });
  expect(await aRing({ wrappingKeys: young }).list(aCall())).toHaveLength(2);
});
