import type { SigningKeyRow } from "./signing-key.ts";

type Entry = Pick<SigningKeyRow, "id" | "sequence" | "activateTime" | "revokeTime">;

/** Which key signs and which is good, and when: what follows from the times of all keys. Milliseconds. */
export class KeyTimeline {
  /** By sequence. */
  readonly #keys: readonly Entry[];

  constructor(keys: readonly Entry[]) {
    this.#keys = keys;
  }

  /** The last key that is not revoked. */
  get last(): Entry | undefined {
    return this.#keys.findLast(isUsable);
  }

  /** 0 if there is no key. */
  get lastSequence(): number {
    return this.#keys.at(-1)?.sequence ?? 0;
  }

  /** The key that signs at a time; undefined if all are revoked, or there is none. */
  signingAt(time: number): Entry | undefined {
    const current = this.#keys.findLast(({ activateTime }) => activateTime.getTime() <= time);
    // The clocks of a database's nodes differ a little: by one of them the only key may not have begun to sign yet.
    if (current === undefined) return this.#keys.find(isUsable);
    // The successor of a revoked key signs from its revocation on, and by another node's clock a little later.
    return isUsable(current) ? current : (this.after(current.id) ?? this.before(current.id));
  }

  /** The first key after another that is not revoked. */
  after(id: string): Entry | undefined {
    return this.#keys.slice(this.#indexOf(id) + 1).find(isUsable);
  }

  /** The last key before another that is not revoked. */
  before(id: string): Entry | undefined {
    return this.#keys.slice(0, this.#indexOf(id)).findLast(isUsable);
  }

  /** The key that does not sign yet at a time, and will. */
  waitingAt(time: number): Entry | undefined {
    const signing = this.signingAt(time);
    return this.#keys.find((key) => isUsable(key) && key !== signing && key.activateTime.getTime() > time);
  }

  /** When a key stops signing, because the one after it begins; undefined if none does yet. */
  endOf(id: string): Date | undefined {
    return this.#keys.slice(this.#indexOf(id) + 1).find(hasSigned)?.activateTime;
  }

  /** Whether what a key has signed, for a lifetime, may be good at a time. */
  isGoodAt(id: string, time: number, lifetimeMs: number): boolean {
    const key = this.#keys.find((each) => each.id === id);
    if (key === undefined || !isUsable(key)) return false;
    const end = this.endOf(id);
    return end === undefined || time < end.getTime() + lifetimeMs;
  }

  /** The ids of the keys that can be removed at a time: a revoked one, once all instances must have read that it is revoked. */
  forgettable(time: number, lifetimeMs: number, lookMs: number): string[] {
    return this.#keys
      .filter((key) =>
        isUsable(key)
          ? !this.isGoodAt(key.id, time, lifetimeMs)
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

/** Whether a key signs at some time, or did: one that was revoked before its time never does. */
function hasSigned({ activateTime, revokeTime }: Entry): boolean {
  return revokeTime === undefined || revokeTime > activateTime;
}
