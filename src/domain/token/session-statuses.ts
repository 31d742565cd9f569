import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { SessionStatus } from "../../interfaces/relationaldb/session-repository.ts";
import type { Call } from "../call.ts";

/** Current status of a session. */
export interface KnownStatus {
  readonly userId: string;
  readonly live: boolean;
  /** Ids of the revoked signing keys. */
  readonly revokedKeys: readonly string[];
  /** Estimate of the database's current time, in milliseconds. */
  readonly time: number;
}

interface Remembered {
  readonly status: SessionStatus;
  /** When the database was queried. */
  readonly askedAt: number;
}

const remembered = 10_000;

/** Whether sessions are live, according to the database or, if the caller allows staleness, to memory. */
export class SessionStatuses {
  readonly #repository: RelationalRepository;
  readonly #monotonicMs: () => number;
  readonly #memory = new Map<string, Remembered>();
  /** For each query in progress, the ids forgotten since it began: its result may be outdated for them. */
  readonly #asking = new Set<Set<string>>();

  constructor(repository: RelationalRepository, monotonicMs: () => number) {
    this.#repository = repository;
    this.#monotonicMs = monotonicMs;
  }

  /** The remembered status of a session, if it was queried at most `maxStalenessMs` ago. */
  recall(sessionId: string, maxStalenessMs: number): KnownStatus | undefined {
    if (!(maxStalenessMs > 0)) return undefined;
    const known = this.#memory.get(sessionId);
    if (known === undefined) return undefined;
    const ageMs = this.#monotonicMs() - known.askedAt;
    if (ageMs > maxStalenessMs) return undefined;
    const { userId, live, revokedKeys, time } = known.status;
    return { userId, live, revokedKeys, time: time.getTime() + ageMs };
  }

  /** Queries the status of sessions. Ids without a session are absent from the result. */
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

  /** Forgets a session that this instance may have ended, so that its next status comes from the database. */
  forgetSession(id: string): void {
    for (const forgotten of this.#asking) forgotten.add(id);
    this.#memory.delete(id);
  }

  /** Forgets all sessions of a user. */
  forgetUser(userId: string): void {
    for (const forgotten of this.#asking) forgotten.add(userId);
    for (const [id, { status }] of this.#memory) if (status.userId === userId) this.#memory.delete(id);
  }

  /**
   * Waits for work that may end all sessions of a user, then forgets them; also on failure, because the outcome may be
   * unknown.
   */
  async forgetUserAfter<T>(userId: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } finally {
      this.forgetUser(userId);
    }
  }

  #remember(status: SessionStatus, askedAt: number): void {
    // Concurrent queries may complete out of order; a newer result is not replaced.
    if ((this.#memory.get(status.id)?.askedAt ?? askedAt) > askedAt) return;
    // Moves the entry to the end of the map. The first entry is evicted.
    this.#memory.delete(status.id);
    this.#memory.set(status.id, { status, askedAt });
    if (this.#memory.size <= remembered) return;
    const [oldest] = this.#memory.keys();
    if (oldest !== undefined) this.#memory.delete(oldest);
  }
}
