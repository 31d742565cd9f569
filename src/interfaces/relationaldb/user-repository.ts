import type { PageCursor } from "../../domain/page-tokens.ts";
import type { NewUser, User, UserDraft, UserProfile, UserState } from "../../domain/user/user.ts";

/** Identifies one user: its id (lower-case UUID) or a canonical key. */
export type UserKey =
  | { readonly kind: "id"; readonly id: string }
  | { readonly kind: "email" | "username"; readonly key: string };

export interface UserQuery {
  /** Users in this state at the time of the statement. */
  readonly state: UserState | undefined;
  /** Users created at or after this time. */
  readonly createdAfter: Date | undefined;
  /** Users created before this time. */
  readonly createdBefore: Date | undefined;
  /** Users whose email key starts with this prefix, compared by code point. */
  readonly emailPrefix: string | undefined;
  /** Whether to include deleted users. */
  readonly showDeleted: boolean;
  /** By creation time and then id, or by id alone. Ids are ordered as text. */
  readonly orderBy: "createTime" | "id";
  readonly descending: boolean;
  /** Only users after this position in the order. */
  readonly after: PageCursor | undefined;
  /** Maximum number of users. */
  readonly limit: number;
}

/** Finds users. Includes deleted ones, except in lists without `showDeleted`. */
export interface UserReader {
  find(key: UserKey): Promise<User | undefined>;

  /** The users with any of the keys, each once, unordered, in one statement. */
  findMany(keys: readonly UserKey[]): Promise<User[]>;

  /** The import digests (`NewUser`) of the users that were imported, by user id, in one statement. */
  findImportDigests(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;

  /** The first `limit` users of a query, in its order. */
  list(query: UserQuery): Promise<User[]>;
}

export interface UserRepository extends UserReader {
  /**
   * Adds an active user at version 1.
   * @throws EMAIL_TAKEN, USERNAME_TAKEN if another user, deleted or not, has the key
   */
  insert(id: string, profile: UserProfile): Promise<User>;

  /**
   * Adds users at version 1, in one statement, except those whose id or key another user has, deleted or not. The given
   * users must not share an id or a key. Returns the ids of the added users, unordered.
   */
  insertMany(users: readonly NewUser[]): Promise<string[]>;

  /**
   * Writes a draft if the user is still at `user.version`, and increments the version.
   * @throws EMAIL_TAKEN, USERNAME_TAKEN; CONTENTION if the user is at another version or does not exist
   */
  update(user: User, draft: UserDraft): Promise<User>;
}
