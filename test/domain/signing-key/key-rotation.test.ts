import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { KeyRing, KeySchedule } from "../../../src/domain/signing-key/key-ring.ts";
import { JwtAccessTokens } from "../../../src/infrastructure/crypto/jwt-access-tokens.ts";
import { aCall } from "../../support/calls.ts";
import { Clocks, hour, minute, second } from "../../support/clocks.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { stress } from "../../support/stress.ts";
import { aKeyRing, issuer } from "../../support/token-parts.ts";

/** Two processes on one database: each makes tokens and checks the other's, as the services do. */
class TwoProcesses {
  readonly clocks = new Clocks();
  readonly rings: readonly [KeyRing, KeyRing];
  readonly #repository = new InMemoryRepository(this.clocks.database);
  readonly #schedule: KeySchedule;
  readonly #accessTokens = [new JwtAccessTokens(), new JwtAccessTokens()] as const;
  /** When each key that there ever was was made and is to sign. */
  readonly #keys = new Map<string, { sequence: number; createTime: number; activateTime: number }>();
  #tokens: { readonly text: string; readonly expireTime: number }[] = [];

  constructor(schedule: KeySchedule) {
    this.#schedule = schedule;
    const ring = () => aKeyRing(this.#repository, this.clocks, { schedule });
    this.rings = [ring(), ring()];
  }

  get #now(): number {
    return this.clocks.databaseMs;
  }

  async maintain(which: 0 | 1): Promise<void> {
    await this.rings[which].maintain(aCall());
    for (const { id, sequence, createTime, activateTime } of await this.stored()) {
      const times = { createTime: createTime.getTime(), activateTime: activateTime.getTime() };
      this.#keys.set(id, { sequence, ...times });
    }
  }

  /** How long until the youngest key signs; 0 where it does. */
  get untilNextKeyMs(): number {
    return Math.max(0, ...[...this.#keys.values()].map(({ activateTime }) => activateTime - this.#now));
  }

  async stored() {
    return (await this.#repository.read(aCall()).signingKeys.list()).keys;
  }

  /** Makes a token. The key must have been published for long enough. */
  async sign(which: 0 | 1): Promise<void> {
    const ring = this.rings[which];
    if (ring.isStale) await ring.reload(aCall());
    const key = ring.signingAt(this.#now);
    const { createTime, sequence } = this.#keys.get(key.id) ?? expect.fail("a key that nobody has added");
    if (sequence > 1) expect(this.#now - createTime).toBeGreaterThanOrEqual(this.#schedule.maxAgeMs);
    const exp = Math.floor((this.#now + this.#schedule.tokenLifetimeMs) / 1_000);
    const ids = { sub: randomUUID(), jti: randomUUID(), sid: randomUUID() };
    const iat = Math.floor(this.#now / 1_000);
    const claims = { iss: issuer, aud: "orders", client_id: "web", iat, exp, ...ids };
    this.#tokens.push({ text: this.#accessTokens[which].sign(claims, key), expireTime: exp * 1_000 });
  }

  /** Every token that has not expired must be good in both processes, each of which looks again only where it must. */
  async check({ afterReload }: { afterReload: boolean }): Promise<void> {
    this.#tokens = this.#tokens.filter(({ expireTime }) => expireTime > this.#now);
    for (const which of [0, 1] as const) {
      const ring = this.rings[which];
      if (ring.isStale || (afterReload && this.#tokens.length > 0)) await ring.reload(aCall());
      for (const { text } of this.#tokens) {
        const read = this.#accessTokens[which].read(text, ring.keys);
        expect(read && ring.isValidAt(read.keyId, this.#now)).toBe(true);
        // Verifiers that have fetched the keys at any time for which they may be kept know it too.
        expect(ring.published().map(({ id }) => id)).toContain(read?.keyId);
      }
    }
  }

  /** Both, if neither is to look again, sign by the same key. */
  agree(): void {
    if (this.rings.some(({ isStale }) => isStale)) return;
    const [a, b] = this.rings.map((ring) => ring.signingAt(this.#now).id);
    expect(a).toBe(b);
  }

  /** Keys follow one another, each of them after a whole rotation. */
  async assertOrder(): Promise<void> {
    const keys = [...this.#keys.values()].sort((a, b) => a.sequence - b.sequence);
    expect(keys.map(({ sequence }) => sequence)).toEqual(keys.map((_, i) => i + 1));
    for (const [i, { activateTime }] of keys.slice(1).entries()) {
      expect(activateTime - (keys[i]?.activateTime ?? 0)).toBeGreaterThanOrEqual(this.#schedule.rotationMs);
    }
  }
}

test("two processes agree on every key over many rotations", async () => {
  const schedule = { rotationMs: hour, maxAgeMs: 5 * minute, tokenLifetimeMs: 5 * minute };
  const processes = new TwoProcesses(schedule);
  await processes.maintain(0);
  await processes.maintain(1);
  const changes: number[] = [];
  let last = "";
  for (let step = 0; step < 30 * 60; step++) {
    const { databaseMs } = processes.clocks;
    const { id } = processes.rings[0].signingAt(databaseMs);
    if (id !== last) changes.push(databaseMs);
    last = id;
    await processes.sign(step % 2 === 0 ? 0 : 1);
    await processes.check({ afterReload: false });
    processes.agree();
    expect((await processes.stored()).length).toBeLessThanOrEqual(2);
    processes.clocks.pass(minute);
    // One of them does not run for a while now and then, as long as it may.
    await processes.maintain(0);
    if (step % 60 < 55) await processes.maintain(1);
  }
  await processes.assertOrder();
  expect(changes.map((time) => time - (changes[0] ?? 0))).toEqual(changes.map((_, i) => i * hour));
  expect(changes).toHaveLength(30);
});

test("one process that stands still for days signs by no key of its own when it goes on", async () => {
  const schedule = { rotationMs: hour, maxAgeMs: 5 * minute, tokenLifetimeMs: 5 * minute };
  const processes = new TwoProcesses(schedule);
  await processes.maintain(0);
  await processes.maintain(1);
  for (let step = 0; step < 100; step++) {
    processes.clocks.pass(30 * minute);
    await processes.maintain(0);
  }
  expect(processes.rings[1].isStale).toBe(true);
  await processes.sign(1);
  await processes.check({ afterReload: false });
  processes.agree();
});

const schedules = fc
  .record({
    maxAgeMs: fc.integer({ min: second, max: 10 * minute }),
    rotations: fc.integer({ min: 3_000, max: 20_000 }),
    tokenLifetimeMs: fc.integer({ min: second, max: 20 * minute }),
  })
  .map(({ maxAgeMs, rotations, tokenLifetimeMs }) => {
    return { maxAgeMs, tokenLifetimeMs, rotationMs: Math.ceil((maxAgeMs * rotations) / 1_000) };
  });

const which = fc.constantFrom(0 as const, 1 as const);
const maintain = fc.record({ act: fc.constant("maintain" as const), which });
const sign = fc.record({ act: fc.constant("sign" as const), which });
/** Of the max-age, for short times, or of the rotation, for long ones. */
const amount = fc.record({
  of: fc.constantFrom("maxAgeMs" as const, "rotationMs" as const, "tokenLifetimeMs" as const),
  times: fc.double({ min: 0, max: 2.5, noNaN: true }),
});
const pass = fc.record({ act: fc.constant("pass" as const), amount });
const jump = fc.record({ act: fc.constant("jump" as const), amount });
/** To the moment when the next key signs, or just before or after it. */
const toNextKey = fc.record({
  act: fc.constant("next key" as const),
  offsetMs: fc.oneof(fc.constantFrom(-1, 0, 1), fc.integer({ min: -5_000, max: 5_000 })),
});
/** What may happen, and how often beside the rest. */
const usual = [
  { arbitrary: maintain, weight: 3 },
  { arbitrary: sign, weight: 3 },
  { arbitrary: pass, weight: 2 },
  { arbitrary: toNextKey, weight: 2 },
];

interface Amount {
  readonly of: keyof KeySchedule;
  readonly times: number;
}
type Step =
  | { readonly act: "maintain"; readonly which: 0 | 1 }
  | { readonly act: "sign"; readonly which: 0 | 1 }
  | { readonly act: "pass"; readonly amount: Amount }
  | { readonly act: "jump"; readonly amount: Amount }
  | { readonly act: "next key"; readonly offsetMs: number };

async function run(schedule: KeySchedule, steps: readonly Step[], afterReload: boolean): Promise<void> {
  const processes = new TwoProcesses(schedule);
  await processes.maintain(0);
  await processes.maintain(1);
  for (const step of steps) {
    if (step.act === "maintain") await processes.maintain(step.which);
    else if (step.act === "sign") await processes.sign(step.which);
    else if (step.act === "next key") {
      processes.clocks.pass(Math.max(0, processes.untilNextKeyMs + step.offsetMs));
    } else {
      const ms = Math.round(schedule[step.amount.of] * step.amount.times);
      if (step.act === "pass") processes.clocks.pass(ms);
      else processes.clocks.databaseMs += ms;
    }
    await processes.check({ afterReload });
    if (!afterReload) processes.agree();
  }
  await processes.assertOrder();
}

const runs = { numRuns: stress(150, 20_000) };

test("whenever what happens, each token that has not expired is good in both, and no key signs too soon", async () => {
  const steps = fc.array(fc.oneof(...usual), { minLength: 5, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(schedules, steps, (schedule, what) => run(schedule, what, false)),
    runs,
  );
});

test("the same where the database's clock leaps ahead, once the keys were looked at again", async () => {
  const steps = fc.array(fc.oneof(...usual, { arbitrary: jump, weight: 1 }), { minLength: 5, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(schedules, steps, (schedule, what) => run(schedule, what, true)),
    runs,
  );
});
