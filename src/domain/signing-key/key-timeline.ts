import type { SigningKeyRow } from "./signing-key.ts";

type Entry = Pick<SigningKeyRow, "id" | "sequence" | "activateTime" | "revokeTime">;

/** Derives from the times of all keys which one signs and which are valid at a given time. Milliseconds. */
export class KeyTimeline {
  /** Sorted by sequence. */
  readonly #keys: readonly Entry[];

  constructor(keys: readonly Entry[]) {
    this.#keys = keys;
  }

  /** The last key that is not revoked. */
  get last(): Entry | undefined {
    return this.#keys.findLast(isUsable);
  }

  /** 0 if there are no keys. */
  get lastSequence(): number {
    return this.#keys.at(-1)?.sequence ?? 0;
  }

  /** The signing key at a time; undefined if there are no keys or all are revoked. */
  signingAt(time: number): Entry | undefined {
    const current = this.#keys.findLast(({ activateTime }) => activateTime.getTime() <= time);
    // The clocks of a database's nodes differ slightly: by one of them, the only key may not be active yet.
    if (current === undefined) return this.#keys.find(isUsable);
    // The successor of a revoked key signs from the revocation on; by another node's clock, slightly later.
    return isUsable(current) ? current : (this.after(current.id) ?? this.before(current.id));
  }

  /** The first key after the given one that is not revoked. */
  after(id: string): Entry | undefined {
    return this.#keys.slice(this.#indexOf(id) + 1).find(isUsable);
  }

  /** The last key before the given one that is not revoked. */
  before(id: string): Entry | undefined {
    return this.#keys.slice(0, this.#indexOf(id)).findLast(isUsable);
  }

  /** The key that does not sign yet at a time, but will. */
  waitingAt(time: number): Entry | undefined {
    const signing = this.signingAt(time);
    return this.#keys.find((key) => isUsable(key) && key !== signing && key.activateTime.getTime() > time);
  }

  /** When a key stops signing because its successor starts; undefined if there is no successor yet. */
  endOf(id: string): Date | undefined {
    return this.#keys.slice(this.#indexOf(id) + 1).find(hasSigned)?.activateTime;
  }

  /** Whether a token that a key has signed, valid for a lifetime, may still be valid at a time. */
  isValidAt(id: string, time: number, lifetimeMs: number): boolean {
    const key = this.#keys.find((each) => each.id === id);
    if (key === undefined || !isUsable(key)) return false;
    const end = this.endOf(id);
    return end === undefined || time < end.getTime() + lifetimeMs;
  }

  /**
   * The ids of the keys that can be removed at a time: retired keys, and revoked keys once all instances must have seen
   * the revocation.
   */
  removableAt(time: number, lifetimeMs: number, lookMs: number): string[] {
    return this.#keys
      .filter((key) =>
        isUsable(key)
          ? !this.isValidAt(key.id, time, lifetimeMs)
          : time >= Number(key.revokeTime?.getTime()) + lifetimeMs + lookMs,
      )
      .map(({ id }) => id);
  }

  #indexOf(id: string): number {
    return this.#keys.findIndex((key) => key.id === id);
  }
}

function isUsable({ revokeTime }: Entry): boolean {
  return revokeTime === undefined;
}

/** Whether a key signs at some time. A key that was revoked before its activation never does. */
function hasSigned({ activateTime, revokeTime }: Entry): boolean {
  return revokeTime === undefined || revokeTime > activateTime;
}
