import type { KeyAndAccount } from "../../interfaces/relationaldb/service-account-repository.ts";

interface Remembered {
  readonly askedAt: number;
  readonly found: Promise<KeyAndAccount | undefined>;
}

/** How long an instance does not notice that another one has disabled a key: the API promises five seconds. */
const rememberedMs = 5_000;
const mostUsable = 10_000;
const mostUnusable = 1_000;

/**
 * What the database said of keys, by their fingerprints. Usable keys and others have places of their own, so that deleted,
 * disabled or invented keys never displace usable ones.
 */
export class KeyMemory {
  readonly #monotonicMs: () => number;
  readonly #usable = new Map<string, Remembered>();
  readonly #unusable = new Map<string, Remembered>();
  /** Look-ups in progress: callers that present the same key share one. */
  readonly #pending = new Map<string, Remembered>();

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** Undefined if no look-up of the key began in the last `maxAgeMs`. */
  get(fingerprint: string, maxAgeMs = rememberedMs): Promise<KeyAndAccount | undefined> | undefined {
    const since = this.#monotonicMs() - maxAgeMs;
    for (const map of [this.#usable, this.#unusable, this.#pending]) {
      const remembered = map.get(fingerprint);
      if (remembered !== undefined && remembered.askedAt > since) return remembered.found;
    }
    return undefined;
  }

  /** Remembers a look-up. If it fails, the callers that wait get the error, and an earlier answer stays. */
  keep(fingerprint: string, found: Promise<KeyAndAccount | undefined>): void {
    const remembered = { askedAt: this.#monotonicMs(), found };
    this.#pending.set(fingerprint, remembered);
    found.then(
      (key) => {
        // `clear` or a later look-up has replaced it: what it found may be out of date.
        if (this.#pending.get(fingerprint) !== remembered) return;
        this.#pending.delete(fingerprint);
        this.#usable.delete(fingerprint);
        this.#unusable.delete(fingerprint);
        if (key?.good) put(this.#usable, fingerprint, remembered, mostUsable);
        else put(this.#unusable, fingerprint, remembered, mostUnusable);
      },
      () => {
        if (this.#pending.get(fingerprint) === remembered) this.#pending.delete(fingerprint);
      },
    );
  }

  clear(): void {
    for (const map of [this.#usable, this.#unusable, this.#pending]) map.clear();
  }
}

/** The map keeps the order of insertion, so its first entry is the oldest. */
function put(map: Map<string, Remembered>, fingerprint: string, remembered: Remembered, most: number): void {
  map.delete(fingerprint);
  map.set(fingerprint, remembered);
  if (map.size <= most) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
