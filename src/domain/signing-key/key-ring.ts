import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { NewSigningKey } from "../../interfaces/relationaldb/signing-key-repository.ts";
import type { AuditEvents } from "../audit/event.ts";
import type { Call } from "../call.ts";
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
  readonly keys: ReadonlyMap<string, SigningKey>;
  /** By sequence. */
  readonly inOrder: readonly SigningKey[];
  /** The database's time, and this process's, of the moment. */
  readonly time: number;
  readonly loadedAt: number;
}

const nothing: Loaded = { keys: new Map(), inOrder: [], time: 0, loadedAt: Number.NEGATIVE_INFINITY };

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

  /** All keys that are known, by id. */
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
    const retired = this.#loaded.inOrder.filter((key) => !this.isGoodAt(key.id, this.#loaded.time));
    if (retired.length > 0) {
      const ids = retired.map(({ id }) => id);
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
    if (waiting !== undefined) return { key: waiting, added: false };
    const id = await this.#add(call, 0);
    await this.#load(call);
    // Another instance may have added one at the same moment: then that is the next one.
    const key = this.keys.get(id) ?? this.#waiting() ?? this.signingAt(this.#loaded.time);
    return { key, added: key.id === id };
  }

  /** Every key, oldest first, and what it is now. */
  async list(call: Call): Promise<SigningKeyStatus[]> {
    const rows = await this.#load(call);
    const { time, inOrder } = this.#loaded;
    const signing = inOrder.length === 0 ? undefined : this.signingAt(time);
    return rows.map(({ id, sequence, algorithm, createTime, activateTime }, index) => {
      const nextTime = rows[index + 1]?.activateTime;
      return {
        id,
        sequence,
        algorithm,
        state: id === signing?.id ? "signing" : stateOf(activateTime, time, this.isGoodAt(id, time)),
        createTime,
        activateTime,
        deactivateTime: nextTime ?? new Date(activateTime.getTime() + this.#schedule.rotationMs),
        retireTime: nextTime && new Date(nextTime.getTime() + this.#schedule.tokenLifetimeMs),
      };
    });
  }

  /** Wraps anew what an old wrapping key wraps. Answers how many keys there are, and how many of them it was. */
  async rewrap(call: Call): Promise<{ keys: number; rewrapped: number }> {
    const rows = await this.#load(call);
    const old = rows.filter((row) => this.#pairs.rewrapped(row) !== undefined);
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
    const { inOrder } = this.#loaded;
    // The clocks of a database's nodes differ a little: by one of them the only key may not have begun to sign yet.
    const key = inOrder.findLast(({ activateTime }) => activateTime.getTime() <= time) ?? inOrder[0];
    if (key === undefined) throw new Error("there is no signing key");
    return key;
  }

  /** Whether what a key has signed may be good at a time of the database's clock. */
  isGoodAt(id: string, time: number): boolean {
    const { inOrder } = this.#loaded;
    const index = inOrder.findIndex((key) => key.id === id);
    const next = inOrder[index + 1];
    if (index < 0) return false;
    return next === undefined || time < next.activateTime.getTime() + this.#schedule.tokenLifetimeMs;
  }

  /** The keys that verifiers are to know now, the one to sign with next first. */
  published(): SigningKey[] {
    const { inOrder, time, loadedAt } = this.#loaded;
    const now = time + this.#monotonicMs() - loadedAt;
    return inOrder.filter(({ id }) => this.isGoodAt(id, now)).reverse();
  }

  /** Adds the next key where it is due. Answers whether the keys are others than before. */
  async #addNext(call: Call): Promise<boolean> {
    const { inOrder, time } = this.#loaded;
    const last = inOrder.at(-1);
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
    const id = this.#newId();
    // Nobody knows a key before the first, so nobody has to learn of the first.
    const isFirst = this.#loaded.inOrder.length === 0;
    const key: NewSigningKey = {
      id,
      sequence: (this.#loaded.inOrder.at(-1)?.sequence ?? 0) + 1,
      algorithm: this.#algorithm,
      ...this.#pairs.generate(id, this.#algorithm),
      activateAfterMs: isFirst ? 0 : Math.max(dueInMs, this.#leadMs),
    };
    const event = this.#events.of(call, { type: "signing-key.added", objectId: id });
    await this.#repository.transaction(call, async ({ signingKeys, events }) => {
      if (await signingKeys.add(key)) await events.add(event);
    });
    return id;
  }

  /** The key that is published and does not sign yet. */
  #waiting(): SigningKey | undefined {
    const { inOrder, time } = this.#loaded;
    return inOrder.slice(1).find(({ activateTime }) => activateTime.getTime() > time);
  }

  async #load(call: Call): Promise<readonly SigningKeyRow[]> {
    const loadedAt = this.#monotonicMs();
    const { keys: rows, time } = await this.#repository.read(call).signingKeys.list();
    const inOrder = rows.map((row) => this.#loaded.keys.get(row.id) ?? this.#pairs.open(row));
    const keys = new Map(inOrder.map((key) => [key.id, key]));
    this.#loaded = { keys, inOrder, time: time.getTime(), loadedAt };
    return rows;
  }

  async #rewrap(call: Call, row: SigningKeyRow): Promise<void> {
    const wrapped = this.#pairs.rewrapped(row);
    if (wrapped === undefined) return;
    await this.#repository.transaction(call, ({ signingKeys }) =>
      signingKeys.rewrap(row.id, row.wrappedPrivateKey, wrapped),
    );
  }
}

function stateOf(activateTime: Date, time: number, isGood: boolean): SigningKeyStatus["state"] {
  if (activateTime.getTime() > time) return "next";
  return isGood ? "published" : "retired";
}
