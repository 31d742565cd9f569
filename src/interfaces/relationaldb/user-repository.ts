import type { PageCursor } from "../../domain/page-tokens.ts";
import type { NewUser, User, UserDraft, UserProfile, UserState } from "../../domain/user/user.ts";

/** What names one user: its id (lower-case UUID) or a canonical key. */
export type UserKey =
  | { readonly kind: "id"; readonly id: string }
  | { readonly kind: "email" | "username"; readonly key: string };

export interface UserQuery {
  /** Users in this state at the time of the statement. */
  readonly state: UserState | undefined;
  /** Users created at this time or later. */
  readonly createdAfter: Date | undefined;
  /** Users created before this time. */
  readonly createdBefore: Date | undefined;
  /** Users whose email key begins so, code point by code point. */
  readonly emailPrefix: string | undefined;
  /** Whether deleted users are among them. */
  readonly showDeleted: boolean;
  /** By creation time and then id, or by id alone. Ids are ordered as their text is. */
  readonly orderBy: "createTime" | "id";
  readonly descending: boolean;
  /** Only users that come later in this order. */
  readonly after: PageCursor | undefined;
  /** At most so many users. */
  readonly limit: number;
}

/** Finds users. Deleted ones are found too, but in lists that do not show them. */
export interface UserReader {
  find(key: UserKey): Promise<User | undefined>;

  /** The users that any of the keys name, each once, in no order, by one statement. */
  findMany(keys: readonly UserKey[]): Promise<User[]>;

  /** The import digests (`NewUser`) of those of the users that were imported, by user id, by one statement. */
  findImportDigests(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;

  /** The first `limit` users of a query, in its order. */
  list(query: UserQuery): Promise<User[]>;
}

export interface UserRepository extends UserReader {
  /**
   * Adds an active user at version 1.
   * @throws EMAIL_TAKEN, USERNAME_TAKEN where another user, deleted or not, has the key.
   */
  insert(id: string, profile: UserProfile): Promise<User>;

  /**
   * Adds users at version 1, by one statement: each whose id and keys no other user has, deleted or not. No two of those
   * that are given share an id or a key. Answers the ids of those that it added, in no order.
   */
  insertMany(users: readonly NewUser[]): Promise<string[]>;

  /**
   * Makes a user what the draft says, where it is still at `user.version`, and counts its version up by one.
   * @throws EMAIL_TAKEN, USERNAME_TAKEN; CONTENTION where the user is at another version or has gone.
   */
  update(user: User, draft: UserDraft): Promise<User>;
}
