import { createHmac, createSecretKey, hash, type KeyObject } from "node:crypto";
import { workOf } from "./password-hashes/effort.ts";
import type { PasswordHash } from "./password-hashes/password-hash.ts";

/** Maximum number of hashes remembered by cost, and of distinct costs. */
const remembered = 1024;
const maxCosts = 32;
/**
 * Weight of our own cost, in users counted in advance, so the first users after a start do not change the decoys of
 * all names.
 */
const ownWeight = 8;
/**
 * Maximum cost of a decoy, other than one of our own: that of bcrypt at cost 11. Without it, a client that sends
 * unknown names could make the service compute the most expensive hashes ever imported.
 */
const maxDecoyWork = { ms: 130, memoryKib: 65_536 };

interface Known {
  /** The last hash observed with this cost. */
  readonly example: PasswordHash;
  readonly count: number;
}

/**
 * Chooses the decoy hash that is checked for an unknown name, so that the check takes as long as a user's might.
 * Imported hashes take other times than ours, so a single decoy for all names would reveal which names are unknown,
 * or imported.
 *
 * A name always gets a decoy of the same cost, and costs are as frequent among unknown names as among recently
 * observed hashes: each name has a keyed rank for each cost and takes the highest (weighted rendezvous hashing). So a
 * change in the observed hashes changes as few names as possible. A process that has just started knows only its own
 * cost, and hashes that exceed `maxDecoyWork` get decoys of other costs (docs/decisions/0034-costs-of-hashes.md).
 */
export class DecoyHashes {
  readonly #key: KeyObject;
  readonly #own: PasswordHash;
  /** Cost by a digest of the hash, least recently observed first: one user counts once. */
  readonly #met = new Map<string, string>();
  readonly #known = new Map<string, Known>();

  /** @param key 256 bits that all instances share. With the key, an attacker could tell which names get a decoy. */
  constructor(key: Buffer, own: PasswordHash) {
    this.#key = createSecretKey(key);
    this.#own = own;
  }

  /** Records a hash that belongs to a user. */
  observe(met: PasswordHash): void {
    if (met.cost !== this.#own.cost && exceedsMaxDecoyWork(met)) return;
    const id = hash("sha256", met.text, "base64url");
    const known = this.#known.get(met.cost);
    if (this.#met.delete(id)) {
      this.#met.set(id, met.cost);
      return;
    }
    if (known === undefined && this.#known.size >= maxCosts) return;
    this.#met.set(id, met.cost);
    this.#known.set(met.cost, { example: met, count: (known?.count ?? 0) + 1 });
    if (this.#met.size > remembered) this.#forgetOldest();
  }

  /** Returns the decoy for a name. */
  pick(name: string): PasswordHash {
    const ownCost = this.#own.cost;
    const others = [...this.#known].filter(([cost]) => cost !== ownCost);
    if (others.length === 0) return this.#own;
    const seed = createHmac("sha256", this.#key).update("auth/stand-in/1\0").update(name).digest();
    let best = this.#own;
    let highest = rankOf(seed, ownCost, ownWeight + (this.#known.get(ownCost)?.count ?? 0));
    for (const [cost, { example, count }] of others) {
      const rank = rankOf(seed, cost, count);
      if (rank > highest) [best, highest] = [example, rank];
    }
    return best;
  }

  #forgetOldest(): void {
    const [oldest] = this.#met;
    if (oldest === undefined) return;
    const [id, cost] = oldest;
    this.#met.delete(id);
    const known = this.#known.get(cost);
    if (known === undefined) return;
    if (known.count > 1) this.#known.set(cost, { ...known, count: known.count - 1 });
    else this.#known.delete(cost);
  }
}

function exceedsMaxDecoyWork({ effort }: PasswordHash): boolean {
  const { ms, memoryKib } = workOf(effort);
  return ms > maxDecoyWork.ms || memoryKib > maxDecoyWork.memoryKib;
}

/** The larger the count, the closer to 0 from below: ln(u) / count, with u uniform for each name and cost. */
function rankOf(seed: Buffer, cost: string, count: number): number {
  const digest = hash("sha256", Buffer.concat([seed, Buffer.from(cost)]), "buffer");
  return Math.log((digest.readUInt32BE(0) + 1) / (2 ** 32 + 1)) / count;
}
