import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { AuditEvents } from "../audit/event.ts";
import type { Call } from "../call.ts";
import { canonicalEmailPrefix } from "../identifier/identifier.ts";
import { type PageTokens, readPage } from "../page-tokens.ts";
import { type User, userNotFound } from "../user/user.ts";
import type { ListUsers } from "../user/user-service.ts";

/** A filter for the users to unlock, and a page. */
export interface UnlockUsers
  extends Pick<ListUsers, "state" | "createdAfter" | "createdBefore" | "emailPrefix"> {
  /** 0 means the default. */
  readonly pageSize: number;
  /** Empty for the first page. */
  readonly pageToken: string;
}

export interface UnlockedPage {
  /** Number of users on the page that had failed attempts. */
  readonly unlockedCount: number;
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** Limits the rows that one transaction locks, because an ongoing attack may write to them. */
const maxBatchSize = 100;

/** Clears lockouts. */
export class Lockouts {
  readonly #repository: RelationalRepository;
  readonly #pageTokens: PageTokens;
  readonly #events: AuditEvents;

  constructor(dependencies: {
    repository: RelationalRepository;
    pageTokens: PageTokens;
    events: AuditEvents;
  }) {
    this.#repository = dependencies.repository;
    this.#pageTokens = dependencies.pageTokens;
    this.#events = dependencies.events;
  }

  /**
   * Clears the failed attempts of a user.
   * @throws USER_NOT_FOUND
   */
  async unlock(call: Call, id: string): Promise<User> {
    const user = await this.#repository.read(call).users.find({ kind: "id", id: id.toLowerCase() });
    if (user === undefined) throw userNotFound();
    await this.#unlock(call, [user.id]);
    return user;
  }

  /**
   * Clears the failed attempts of one page of users.
   * @throws PAGE_TOKEN_INVALID
   */
  async unlockPage(call: Call, { pageSize, pageToken, ...filter }: UnlockUsers): Promise<UnlockedPage> {
    const emailPrefix =
      filter.emailPrefix === undefined ? undefined : canonicalEmailPrefix(filter.emailPrefix);
    const order = { showDeleted: false, orderBy: "createTime", descending: false } as const;
    const size = pageSize === 0 ? maxBatchSize : Math.min(pageSize, maxBatchSize);
    const scope = JSON.stringify([
      "unlock",
      filter.state,
      filter.createdAfter,
      filter.createdBefore,
      emailPrefix,
    ]);
    const { items, nextPageToken } = await readPage(
      call,
      this.#pageTokens,
      { pageSize: size, pageToken, scope, boundTo: "filter" },
      (after, limit) =>
        this.#repository.read(call).users.list({ ...filter, ...order, emailPrefix, after, limit }),
    );
    const unlocked = await this.#unlock(
      call,
      items.map(({ id }) => id),
    );
    return { unlockedCount: unlocked.length, nextPageToken };
  }

  /** Returns the users whose failures were cleared. A retry finds none, and writes no second event. */
  #unlock(call: Call, userIds: readonly string[]): Promise<readonly string[]> {
    return this.#repository.transaction(call, async ({ attempts, events }) => {
      const unlocked = await attempts.unlock(userIds);
      await events.add(
        ...unlocked.map((userId) => this.#events.of(call, { type: "account.unlocked", userId })),
      );
      return unlocked;
    });
  }
}
