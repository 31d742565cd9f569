import type { KeyAndAccount } from "../../interfaces/relationaldb/service-account-repository.ts";

interface Remembered {
  readonly askedAt: number;
  readonly found: Promise<KeyAndAccount | undefined>;
}

/** Maximum time until an instance notices that another one has disabled a key. The API promises five seconds. */
const rememberedMs = 5_000;
const mostUsable = 10_000;
const mostUnusable = 1_000;

/**
 * Caches database lookups of keys by fingerprint. Usable and unusable keys have separate capacities, so that deleted,
 * disabled or invented keys never displace usable ones.
 */
export class KeyMemory {
  readonly #monotonicMs: () => number;
  readonly #usable = new Map<string, Remembered>();
  readonly #unusable = new Map<string, Remembered>();
  /** Lookups in progress. Callers that present the same key share one. */
  readonly #pending = new Map<string, Remembered>();

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** The lookup of a key; undefined if none began in the last `maxAgeMs`. */
  get(fingerprint: string, maxAgeMs = rememberedMs): Promise<KeyAndAccount | undefined> | undefined {
    const since = this.#monotonicMs() - maxAgeMs;
    for (const map of [this.#usable, this.#unusable, this.#pending]) {
      const remembered = map.get(fingerprint);
      if (remembered !== undefined && remembered.askedAt > since) return remembered.found;
    }
    return undefined;
  }

  /** Remembers a lookup. If it fails, the callers that wait for it get the error, and an earlier result stays. */
  keep(fingerprint: string, found: Promise<KeyAndAccount | undefined>): void {
    const remembered = { askedAt: this.#monotonicMs(), found };
    this.#pending.set(fingerprint, remembered);
    found.then(
      (key) => {
        // `clear` or a later lookup has replaced this one, so its result may be out of date.
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

/** A Map keeps insertion order, so its first entry is the oldest. */
function put(map: Map<string, Remembered>, fingerprint: string, remembered: Remembered, most: number): void {
  map.delete(fingerprint);
  map.set(fingerprint, remembered);
  if (map.size <= most) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
