import type { Deadline } from "../../../domain/call.ts";
import { CoalescedReads } from "../../../infrastructure/db/coalesced-reads.ts";
import type { SessionReader, SessionStatus } from "../session-repository.ts";

/** Reads session statuses for many calls. Concurrent lookups share one statement. */
export class SharedStatusReads {
  readonly #sessions: (call: Deadline) => SessionReader;
  readonly #finds = new CoalescedReads<string, SessionStatus>({
    load: async (call, ids) => {
      const statuses = await this.#sessions(call).statuses([...new Set(ids)]);
      const found = new Map(statuses.map((status) => [status.id, status]));
      return ids.map((id) => found.get(id));
    },
  });

  constructor(sessions: (call: Deadline) => SessionReader) {
    this.#sessions = sessions;
  }

  /** A lookup of several ids is a statement of its own. */
  async statuses(call: Deadline, ids: readonly string[]): Promise<SessionStatus[]> {
    const [only] = ids;
    if (only === undefined) return [];
    if (ids.length > 1) return this.#sessions(call).statuses(ids);
    const status = await this.#finds.find(call, only);
    return status === undefined ? [] : [status];
  }
}
