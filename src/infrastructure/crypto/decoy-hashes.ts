import { createHmac, createSecretKey, hash, type KeyObject } from "node:crypto";
import { workOf } from "./password-hashes/effort.ts";
import type { PasswordHash } from "./password-hashes/password-hash.ts";

/** How many hashes are remembered by what they cost, and how many costs are told apart. */
const remembered = 1024;
const mostCosts = 32;
/** As if so many users of our own costs had been met already: the first who come after a start do not sway all names. */
const ownCount = 8;
/**
 * The most that a stand-in takes, beside one of our own: what bcrypt takes at cost 11. Whoever types names that nobody has
 * would otherwise have the service compute the dearest hashes that were ever imported.
 */
const mostWork = { ms: 130, memoryKib: 65_536 };

interface Known {
  /** The last hash of these costs. */
  readonly example: PasswordHash;
  readonly count: number;
}

/**
 * Which hash stands in where a name has none: one whose check takes as long as that of a user's might. Imported hashes cost
 * other times than ours, so that one stand-in for all would tell who is unknown, or who was imported.
 *
 * A name is always stood in for by the same costs, and costs are as frequent among unknown names as among the hashes met
 * lately: each name has a rank for each of the costs, made by a key, and takes the highest (weighted rendezvous hashing). So
 * a change of what is met moves as few names as it can. A process that has just started knows its own costs only, and hashes
 * that take more than `mostWork` are stood in for by others (docs/decisions/0034-costs-of-hashes.md).
 */
export class DecoyHashes {
  readonly #key: KeyObject;
  readonly #own: PasswordHash;
  /** Cost by a digest of the hash, the one that was not met for longest first: one user counts once. */
  readonly #met = new Map<string, string>();
  readonly #known = new Map<string, Known>();

  /** @param key 256 bits that all instances share. Who knew it could tell a name that is stood in for. */
  constructor(key: Buffer, own: PasswordHash) {
    this.#key = createSecretKey(key);
    this.#own = own;
  }

  /** Takes note of a hash that a user has. */
  observe(met: PasswordHash): void {
    if (met.cost !== this.#own.cost && isDear(met)) return;
    const id = hash("sha256", met.text, "base64url");
    const known = this.#known.get(met.cost);
    if (this.#met.delete(id)) {
      this.#met.set(id, met.cost);
      return;
    }
    if (known === undefined && this.#known.size >= mostCosts) return;
    this.#met.set(id, met.cost);
    this.#known.set(met.cost, { example: met, count: (known?.count ?? 0) + 1 });
    if (this.#met.size > remembered) this.#forgetOldest();
  }

  /** What stands in for a name. */
  pick(name: string): PasswordHash {
    const ownCost = this.#own.cost;
    const others = [...this.#known].filter(([cost]) => cost !== ownCost);
    if (others.length === 0) return this.#own;
    const seed = createHmac("sha256", this.#key).update("auth/stand-in/1\0").update(name).digest();
    let best = this.#own;
    let highest = rankOf(seed, ownCost, ownCount + (this.#known.get(ownCost)?.count ?? 0));
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

function isDear({ effort }: PasswordHash): boolean {
  const { ms, memoryKib } = workOf(effort);
  return ms > mostWork.ms || memoryKib > mostWork.memoryKib;
}

/** The larger the count, the nearer to 0 from below: ln(u) / count, u being uniform for each name and cost. */
function rankOf(seed: Buffer, cost: string, count: number): number {
  const digest = hash("sha256", Buffer.concat([seed, Buffer.from(cost)]), "buffer");
  return Math.log((digest.readUInt32BE(0) + 1) / (2 ** 32 + 1)) / count;
}
