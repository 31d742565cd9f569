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

/** Key rotation. Milliseconds. */
export interface KeySchedule {
  /** How long a key signs. */
  readonly rotationMs: number;
  /** How long verifiers may cache the key set. A key is published for twice this time before it signs. */
  readonly maxAgeMs: number;
  /** Maximum lifetime of a token. A key stays published this long after it last signed. */
  readonly tokenLifetimeMs: number;
}

interface Loaded {
  /** The keys that are not revoked, by id. */
  readonly keys: ReadonlyMap<string, SigningKey>;
  readonly timeline: KeyTimeline;
  /** The database's time and this process's time when the keys were loaded. */
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
 * The signing keys as known to this process. Keys are created, published, activated and retired by a schedule that
 * depends on the rows alone, so that all instances on one database agree. The first instance that finds the next key
 * due adds it; the unique sequence number admits only one.
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
    /** Milliseconds of a monotonic clock. */
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

  /** All known keys that are not revoked, by id. */
  get keys(): ReadonlyMap<string, SigningKey> {
    return this.#loaded.keys;
  }

  /** How long verifiers may cache the keys. */
  get maxAgeMs(): number {
    return this.#schedule.maxAgeMs;
  }

  /** Whether a signing key may be missing here. The keys must then be reloaded before use. */
  get isStale(): boolean {
    return this.#monotonicMs() - this.#loaded.loadedAt > this.#schedule.maxAgeMs;
  }

  /**
   * Loads the keys, adds the next one if it is due, rewraps keys that an old wrapping key wraps, and removes retired
   * keys.
   */
  async maintain(call: Call): Promise<void> {
    for (const row of await this.#load(call)) await this.#rewrap(call, row);
    if (await this.#addNext(call)) await this.#load(call);
    const { timeline, time } = this.#loaded;
    const ids = timeline.removableAt(time, this.#schedule.tokenLifetimeMs, this.#leadMs);
    if (ids.length > 0) {
      await this.#repository.transaction(call, ({ signingKeys }) => signingKeys.remove(ids));
    }
  }

  /**
   * Adds the next key now, whether or not it is due. It is published immediately and signs after twice the max-age. If
   * a key is already waiting, returns that one and adds none. Returns the key, and whether it was added.
   */
  async rotate(call: Call): Promise<{ key: SigningKey; added: boolean }> {
    await this.#load(call);
    const waiting = this.#waiting();
    if (waiting !== undefined) return { key: this.#keyOf(waiting.id), added: false };
    const id = await this.#add(call, 0);
    await this.#load(call);
    // Another instance may have added a key concurrently; then that is the next one.
    const next = this.#waiting();
    const key = this.keys.get(id) ?? (next ? this.#keyOf(next.id) : this.signingAt(this.#loaded.time));
    return { key, added: key.id === id };
  }

  /**
   * Permanently revokes a key: its tokens are refused from now on. If it is the signing key, the next key signs from
   * now on, and is created if there is none. Revoking a key again changes nothing.
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

  /** Status of every key, oldest first. */
  async list(call: Call): Promise<SigningKeyStatus[]> {
    const rows = await this.#load(call);
    const { time, timeline } = this.#loaded;
    const signing = timeline.signingAt(time);
    return rows.map((row) => {
      const { id, sequence, algorithm, createTime, activateTime, revokeTime } = row;
      const nextTime = timeline.endOf(id);
      const state = id === signing?.id ? "signing" : stateOf(row, time, this.isValidAt(id, time));
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

  /** Rewraps keys that an old wrapping key wraps. Returns the number of keys, and how many were rewrapped. */
  async rewrap(call: Call): Promise<{ keys: number; rewrapped: number }> {
    const rows = await this.#load(call);
    const old = rows.filter((row) => this.#rewrapped(row) !== undefined);
    for (const row of old) await this.#rewrap(call, row);
    return { keys: rows.length, rewrapped: old.length };
  }

  async reload(call: Call): Promise<void> {
    await this.#load(call);
  }

  /** Reloads the keys before use, if a signing key may be missing here. */
  async reloadIfStale(call: Call): Promise<void> {
    if (this.isStale) await this.#load(call);
  }

  /**
   * Reloads the keys before they are published, if a signing key may be missing. If the database does not respond,
   * keeps the known ones.
   */
  async tryReload(call: Call): Promise<void> {
    await this.reloadIfStale(call).catch(() => {});
  }

  /** The signing key at a time of the database's clock. */
  signingAt(time: number): SigningKey {
    const id = this.#loaded.timeline.signingAt(time)?.id;
    if (id === undefined) throw new Error("no signing key is active");
    return this.#keyOf(id);
  }

  /** Whether tokens of a key may still be valid at a time of the database's clock. */
  isValidAt(id: string, time: number): boolean {
    return this.#loaded.timeline.isValidAt(id, time, this.#schedule.tokenLifetimeMs);
  }

  /** The keys that verifiers need now, the next signing key first. */
  published(): SigningKey[] {
    const { keys, time, loadedAt } = this.#loaded;
    const now = time + this.#monotonicMs() - loadedAt;
    return [...keys.values()].filter(({ id }) => this.isValidAt(id, now)).reverse();
  }

  /** Adds the next key if it is due. Returns whether the keys must be reloaded. */
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

  /** Adds a key after the last one, unless another instance does. Returns the id that the key has or would have. */
  async #add(call: Call, dueInMs: number): Promise<string> {
    // Verifiers hold no key set from before the first key, so it need not be published in advance.
    const isFirst = this.#loaded.timeline.last === undefined;
    const key = this.#newKey(isFirst ? 0 : Math.max(dueInMs, this.#leadMs));
    const event = this.#events.of(call, { type: "signing-key.added", objectId: key.id });
    await this.#repository.transaction(call, async ({ signingKeys, events }) => {
      if (await signingKeys.add(key)) await events.add(event);
    });
    return key.id;
  }

  /** Creates a key with the sequence number after the last known one. */
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

  /** The key that is published but does not sign yet. */
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
    // Concurrent reads may complete out of order; a newer result is not replaced.
    if (loadedAt < this.#loaded.loadedAt) return rows;
    const keys = new Map(usable.map((row) => [row.id, this.#known(row) ?? this.#pairs.open(row)]));
    this.#loaded = { keys, timeline: new KeyTimeline(rows), time: time.getTime(), loadedAt };
    return rows;
  }

  /** The loaded key of a row, if its activation time is unchanged. */
  #known({ id, activateTime }: SigningKeyRow): SigningKey | undefined {
    const key = this.#loaded.keys.get(id);
    return key?.activateTime.getTime() === activateTime.getTime() ? key : undefined;
  }

  /** The rewrapped private key, if an old wrapping key wraps it. The private key of a revoked key is erased. */
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
