import { beforeEach, describe, expect, test } from "vitest";
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
const rows = async () => (await repository.read(aCall()).signingKeys.list()).keys;
const after = (ms: number) => new Date(clocks.databaseMs + ms);

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
    expect({ added, activateTime: key.activateTime }).toEqual({ added: true, activateTime: after(leadMs) });
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
      deactivateTime: after(leadMs),
      retireTime: after(leadMs + schedule.tokenLifetimeMs),
    },
    {
      sequence: 2,
      state: "next",
      deactivateTime: after(leadMs + schedule.rotationMs),
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
