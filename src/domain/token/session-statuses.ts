import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { SessionStatus } from "../../interfaces/relationaldb/session-repository.ts";
import type { Call } from "../call.ts";

/** What is known of a session now. */
export interface KnownStatus {
  readonly userId: string;
  readonly live: boolean;
  /** The ids of the signing keys that are revoked. */
  readonly revokedKeys: readonly string[];
  /** The database's time now, as far as is known. Milliseconds. */
  readonly time: number;
}

interface Remembered {
  readonly status: SessionStatus;
  /** When it was asked for. */
  readonly askedAt: number;
}

const remembered = 10_000;

/** Whether sessions are live: by the database, or from memory for who allows it. */
export class SessionStatuses {
  readonly #repository: RelationalRepository;
  readonly #monotonicMs: () => number;
  readonly #memory = new Map<string, Remembered>();
  /** What was forgotten since, for each question that is on its way: its answer may be older. */
  readonly #asking = new Set<Set<string>>();

  constructor(repository: RelationalRepository, monotonicMs: () => number) {
    this.#repository = repository;
    this.#monotonicMs = monotonicMs;
  }

  /** The status of a session from memory, where it is known and was asked for no longer ago than that. */
  recall(sessionId: string, maxStalenessMs: number): KnownStatus | undefined {
    if (!(maxStalenessMs > 0)) return undefined;
    const known = this.#memory.get(sessionId);
    if (known === undefined) return undefined;
    const ageMs = this.#monotonicMs() - known.askedAt;
    if (ageMs > maxStalenessMs) return undefined;
    const { userId, live, revokedKeys, time } = known.status;
    return { userId, live, revokedKeys, time: time.getTime() + ageMs };
  }

  /** The status of each of the sessions that there are, by the database. */
  async ask(call: Call, sessionIds: readonly string[]): Promise<Map<string, KnownStatus>> {
    const askedAt = this.#monotonicMs();
    const forgotten = new Set<string>();
    this.#asking.add(forgotten);
    const statuses = await this.#repository
      .read(call)
      .sessions.statuses(sessionIds)
      .finally(() => this.#asking.delete(forgotten));
    const known = new Map<string, KnownStatus>();
    for (const status of statuses) {
      if (!forgotten.has(status.id) && !forgotten.has(status.userId)) this.#remember(status, askedAt);
      const { userId, live, revokedKeys, time } = status;
      known.set(status.id, { userId, live, revokedKeys, time: time.getTime() });
    }
    return known;
  }

  /** Forgets a session that this instance may have ended: the next question goes to the database. */
  forgetSession(id: string): void {
    for (const forgotten of this.#asking) forgotten.add(id);
    this.#memory.delete(id);
  }

  /** The same for all sessions of a user. */
  forgetUser(userId: string): void {
    for (const forgotten of this.#asking) forgotten.add(userId);
    for (const [id, { status }] of this.#memory) if (status.userId === userId) this.#memory.delete(id);
  }

  /** Runs work that may end all sessions of a user, also if it fails: its outcome may be unknown. */
  async forgetUserAfter<T>(userId: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } finally {
      this.forgetUser(userId);
    }
  }

  #remember(status: SessionStatus, askedAt: number): void {
    // Of two questions at once the earlier may be answered last.
    if ((this.#memory.get(status.id)?.askedAt ?? askedAt) > askedAt) return;
    // Last in the order of the map, whose first is forgotten.
    this.#memory.delete(status.id);
    this.#memory.set(status.id, { status, askedAt });
    if (this.#memory.size <= remembered) return;
    const [oldest] = this.#memory.keys();
    if (oldest !== undefined) this.#memory.delete(oldest);
  }
}
