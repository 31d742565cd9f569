import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { NewSigningKey } from "../../interfaces/relationaldb/signing-key-repository.ts";
import type { AuditEvents } from "../audit/event.ts";
import type { Call } from "../call.ts";
import { DomainError } from "../errors.ts";
import { KeyTimeline } from "./key-timeline.ts";
import type {
  SigningAlgorithm,
  SigningKey,
  SigningKeyPairs,
  SigningKeyRow,
  SigningKeyStatus,
} from "./signing-key.ts";

/** When keys come and go. Milliseconds. */
export interface KeySchedule {
  /** How long a key signs. */
  readonly rotationMs: number;
  /** How long verifiers may keep the set of keys. A key is published for twice as long before it signs. */
  readonly maxAgeMs: number;
  /** How long what a key has signed may be good: as long it is published after it has signed last. */
  readonly tokenLifetimeMs: number;
}

interface Loaded {
  /** Those that are not revoked, by id. */
  readonly keys: ReadonlyMap<string, SigningKey>;
  readonly timeline: KeyTimeline;
  /** The database's time, and this process's, of the moment. */
  readonly time: number;
  readonly loadedAt: number;
}

const nothing: Loaded = {
  keys: new Map(),
  timeline: new KeyTimeline([]),
  time: 0,
  loadedAt: Number.NEGATIVE_INFINITY,
};

/**
 * The signing keys as this process knows them. Keys are made, published, activated and retired by a schedule that follows
 * from the rows alone, so that all instances on one database agree: whichever finds that the next key is due adds it, and
 * its sequence lets only one do so.
 */
export class KeyRing {
  readonly #repository: RelationalRepository;
  readonly #pairs: SigningKeyPairs;
  readonly #algorithm: SigningAlgorithm;
  readonly #schedule: KeySchedule;
  readonly #events: AuditEvents;
  readonly #newId: () => string;
  readonly #monotonicMs: () => number;
  #loaded = nothing;

  constructor(dependencies: {
    repository: RelationalRepository;
    pairs: SigningKeyPairs;
    algorithm: SigningAlgorithm;
    schedule: KeySchedule;
    events: AuditEvents;
    newId: () => string;
    /** Milliseconds of a clock that only goes on. */
    monotonicMs: () => number;
  }) {
    this.#repository = dependencies.repository;
    this.#pairs = dependencies.pairs;
    this.#algorithm = dependencies.algorithm;
    this.#schedule = dependencies.schedule;
    this.#events = dependencies.events;
    this.#newId = dependencies.newId;
    this.#monotonicMs = dependencies.monotonicMs;
  }

  /** All keys that are known and not revoked, by id. */
  get keys(): ReadonlyMap<string, SigningKey> {
    return this.#loaded.keys;
  }

  /** How long verifiers may keep the keys. */
  get maxAgeMs(): number {
    return this.#schedule.maxAgeMs;
  }

  /** Whether a key that signs already may be unknown here: the keys must be loaded before they are used. */
  get isStale(): boolean {
    return this.#monotonicMs() - this.#loaded.loadedAt > this.#schedule.maxAgeMs;
  }

  /** Reads the keys, adds the next one where it is due, wraps anew what an old wrapping key wraps, forgets retired ones. */
  async maintain(call: Call): Promise<void> {
    for (const row of await this.#load(call)) await this.#rewrap(call, row);
    if (await this.#addNext(call)) await this.#load(call);
    const { timeline, time } = this.#loaded;
    const ids = timeline.forgettable(time, this.#schedule.tokenLifetimeMs, this.#leadMs);
    if (ids.length > 0) {
      await this.#repository.transaction(call, ({ signingKeys }) => signingKeys.remove(ids));
    }
  }

  /**
   * Adds the next key now, whether or not it is due: published at once, it signs after twice the max-age. Where a key waits
   * for its time already, that is the next one, and none is added. Answers the key, and whether it was added.
   */
  async rotate(call: Call): Promise<{ key: SigningKey; added: boolean }> {
    await this.#load(call);
    const waiting = this.#waiting();
    if (waiting !== undefined) return { key: this.#keyOf(waiting.id), added: false };
    const id = await this.#add(call, 0);
    await this.#load(call);
    // Another instance may have added one at the same moment: then that is the next one.
    const next = this.#waiting();
    const key = this.keys.get(id) ?? (next ? this.#keyOf(next.id) : this.signingAt(this.#loaded.time));
    return { key, added: key.id === id };
  }

  /**
   * Permanently revokes a key: its tokens are refused from now on. If it is the key that signs, the next one signs from now
   * on, and is made if it is missing. Revoking a key again changes nothing.
   *
   * @throws SIGNING_KEY_NOT_FOUND
   */
  async revoke(call: Call, id: string): Promise<{ id: string; revokeTime: Date; signing: SigningKey }> {
    const successor = this.#newKey(0);
    const revoked = this.#events.of(call, { type: "signing-key.revoked", objectId: id });
    const added = this.#events.of(call, { type: "signing-key.added", objectId: successor.id });
    await this.#repository.transaction(call, async ({ signingKeys, events }) => {
      const { keys, time } = await signingKeys.list();
      if (!keys.some((key) => key.id === id)) {
        throw new DomainError("SIGNING_KEY_NOT_FOUND", "signing key not found; GetJwks lists the key IDs");
      }
      const signs = new KeyTimeline(keys).signingAt(time.getTime())?.id === id;
      if (!(await signingKeys.revoke(id))) return;
      await events.add(revoked);
      if (!signs) return;
      const next = new KeyTimeline((await signingKeys.list()).keys).after(id);
      if (next !== undefined) return signingKeys.activate(next.id);
      const sequence = (keys.at(-1)?.sequence ?? 0) + 1;
      if (await signingKeys.add({ ...successor, sequence })) await events.add(added);
    });
    const row = (await this.#load(call)).find((each) => each.id === id);
    const revokeTime = row?.revokeTime ?? new Date(this.#loaded.time);
    return { id, revokeTime, signing: this.signingAt(this.#loaded.time) };
  }

  /** Every key, oldest first, and what it is now. */
  async list(call: Call): Promise<SigningKeyStatus[]> {
    const rows = await this.#load(call);
    const { time, timeline } = this.#loaded;
    const signing = timeline.signingAt(time);
    return rows.map((row) => {
      const { id, sequence, algorithm, createTime, activateTime, revokeTime } = row;
      const nextTime = timeline.endOf(id);
      const state = id === signing?.id ? "signing" : stateOf(row, time, this.isGoodAt(id, time));
      return {
        id,
        sequence,
        algorithm,
        state,
        createTime,
        activateTime,
        deactivateTime: nextTime ?? new Date(activateTime.getTime() + this.#schedule.rotationMs),
        retireTime: nextTime && new Date(nextTime.getTime() + this.#schedule.tokenLifetimeMs),
        revokeTime,
      };
    });
  }

  /** Wraps anew what an old wrapping key wraps. Answers how many keys there are, and how many of them it was. */
  async rewrap(call: Call): Promise<{ keys: number; rewrapped: number }> {
    const rows = await this.#load(call);
    const old = rows.filter((row) => this.#rewrapped(row) !== undefined);
    for (const row of old) await this.#rewrap(call, row);
    return { keys: rows.length, rewrapped: old.length };
  }

  async reload(call: Call): Promise<void> {
    await this.#load(call);
  }

  /** Before the keys are used: reads them where one that signs already may be unknown here. */
  async reloadIfStale(call: Call): Promise<void> {
    if (this.isStale) await this.#load(call);
  }

  /** Before the keys are published: the same; where the database does not answer, those that are known are better than none. */
  async freshen(call: Call): Promise<void> {
    await this.reloadIfStale(call).catch(() => {});
  }

  /** The key that signs at a time of the database's clock. */
  signingAt(time: number): SigningKey {
    const id = this.#loaded.timeline.signingAt(time)?.id;
    if (id === undefined) throw new Error("no signing key is active");
    return this.#keyOf(id);
  }

  /** Whether what a key has signed may be good at a time of the database's clock. */
  isGoodAt(id: string, time: number): boolean {
    return this.#loaded.timeline.isGoodAt(id, time, this.#schedule.tokenLifetimeMs);
  }

  /** The keys that verifiers are to know now, the one to sign with next first. */
  published(): SigningKey[] {
    const { keys, time, loadedAt } = this.#loaded;
    const now = time + this.#monotonicMs() - loadedAt;
    return [...keys.values()].filter(({ id }) => this.isGoodAt(id, now)).reverse();
  }

  /** Adds the next key where it is due. Answers whether the keys are others than before. */
  async #addNext(call: Call): Promise<boolean> {
    const { timeline, time } = this.#loaded;
    const { last } = timeline;
    const dueInMs = last === undefined ? 0 : last.activateTime.getTime() + this.#schedule.rotationMs - time;
    if (dueInMs > this.#leadMs) return false;
    await this.#add(call, dueInMs);
    return true;
  }

  /** How long a key is published before it signs. */
  get #leadMs(): number {
    return 2 * this.#schedule.maxAgeMs;
  }

  /** Adds a key after the last one, unless another instance does. Answers the id that it would have. */
  async #add(call: Call, dueInMs: number): Promise<string> {
    // Nobody knows a key before the first, so nobody has to learn of the first.
    const isFirst = this.#loaded.timeline.last === undefined;
    const key = this.#newKey(isFirst ? 0 : Math.max(dueInMs, this.#leadMs));
    const event = this.#events.of(call, { type: "signing-key.added", objectId: key.id });
    await this.#repository.transaction(call, async ({ signingKeys, events }) => {
      if (await signingKeys.add(key)) await events.add(event);
    });
    return key.id;
  }

  /** A key after the last one that is known here. */
  #newKey(activateAfterMs: number): NewSigningKey {
    const id = this.#newId();
    return {
      id,
      sequence: this.#loaded.timeline.lastSequence + 1,
      algorithm: this.#algorithm,
      ...this.#pairs.generate(id, this.#algorithm),
      activateAfterMs,
    };
  }

  /** The key that is published and does not sign yet. */
  #waiting() {
    return this.#loaded.timeline.waitingAt(this.#loaded.time);
  }

  #keyOf(id: string): SigningKey {
    const key = this.keys.get(id);
    if (key === undefined) throw new Error(`unknown signing key ${id}`);
    return key;
  }

  async #load(call: Call): Promise<readonly SigningKeyRow[]> {
    const loadedAt = this.#monotonicMs();
    const { keys: rows, time } = await this.#repository.read(call).signingKeys.list();
    const usable = rows.filter(({ revokeTime }) => revokeTime === undefined);
    // Of two reads at once the earlier may be answered last.
    if (loadedAt < this.#loaded.loadedAt) return rows;
    const keys = new Map(usable.map((row) => [row.id, this.#known(row) ?? this.#pairs.open(row)]));
    this.#loaded = { keys, timeline: new KeyTimeline(rows), time: time.getTime(), loadedAt };
    return rows;
  }

  /** A key that is open already, and is as it was. */
  #known({ id, activateTime }: SigningKeyRow): SigningKey | undefined {
    const key = this.#loaded.keys.get(id);
    return key?.activateTime.getTime() === activateTime.getTime() ? key : undefined;
  }

  /** The private key wrapped again, if an old wrapping key wraps it. That of a revoked key is erased. */
  #rewrapped(row: SigningKeyRow): Uint8Array | undefined {
    return row.revokeTime === undefined ? this.#pairs.rewrapped(row) : undefined;
  }

  async #rewrap(call: Call, row: SigningKeyRow): Promise<void> {
    const wrapped = this.#rewrapped(row);
    if (wrapped === undefined) return;
    await this.#repository.transaction(call, ({ signingKeys }) =>
      signingKeys.rewrap(row.id, row.wrappedPrivateKey, wrapped),
    );
  }
}

function stateOf(
  { activateTime, revokeTime }: SigningKeyRow,
  time: number,
  isGood: boolean,
): SigningKeyStatus["state"] {
  if (revokeTime !== undefined) return "revoked";
  if (activateTime.getTime() > time) return "next";
  return isGood ? "published" : "retired";
}
