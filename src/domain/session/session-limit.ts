import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { AuditEvents } from "../audit/event.ts";
import type { Call } from "../call.ts";
import type { SessionStatuses } from "../token/session-statuses.ts";

/**
 * Maximum number of sessions that one sign-in ends. More than one only after the limit was lowered; then each sign-in
 * ends some.
 */
const evictedAtOnce = 10;

/** Limits the number of sessions per user. */
export class SessionLimit {
  readonly #repository: RelationalRepository;
  readonly #events: AuditEvents;
  readonly #statuses: SessionStatuses;
  readonly #perUser: number;

  constructor(dependencies: {
    repository: RelationalRepository;
    events: AuditEvents;
    statuses: SessionStatuses;
    perUser: number;
  }) {
    this.#repository = dependencies.repository;
    this.#events = dependencies.events;
    this.#statuses = dependencies.statuses;
    this.#perUser = dependencies.perUser;
  }

  /**
   * Ends the oldest sessions of a user with too many, after a new one has begun. Not in the statement that begins it:
   * that would read an index that concurrent sign-ins write to, and SERIALIZABLE would abort them.
   */
  async enforce(call: Call, userId: string): Promise<void> {
    if (!(await this.#repository.read(call).sessions.exceedsCount(userId, this.#perUser))) return;
    const evicted = await this.#repository.transaction(call, async ({ sessions, events }) => {
      const ids = await sessions.evict(userId, this.#perUser, evictedAtOnce);
      await events.add(
        ...ids.map((objectId) => this.#events.of(call, { type: "session.evicted", userId, objectId })),
      );
      return ids;
    });
    for (const id of evicted) this.#statuses.forgetSession(id);
  }
}
