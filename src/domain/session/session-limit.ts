import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { AuditEvents } from "../audit/event.ts";
import type { Call } from "../call.ts";
import type { SessionStatuses } from "../token/session-statuses.ts";

/** Sessions that one sign-in ends at most: more only if the limit was lowered, and then each sign-in ends some. */
const evictedAtOnce = 10;

/** Keeps the sessions of each user within a limit. */
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
   * Ends the oldest sessions of a user who has too many, after one more has begun. Not in the statement that begins it:
   * that would read an index that the sign-ins of others write to, and SERIALIZABLE would abort them.
   */
  async enforce(call: Call, userId: string): Promise<void> {
    if (!(await this.#repository.read(call).sessions.areMoreThan(userId, this.#perUser))) return;
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
