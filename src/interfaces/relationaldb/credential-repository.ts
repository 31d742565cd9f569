import type { User } from "../../domain/user/user.ts";
import type { UserKey } from "./user-repository.ts";

/** A user and its password hash. */
export interface UserWithPassword {
  readonly user: User;
  /** PHC string, or undefined if the user has no password. */
  readonly passwordHash: string | undefined;
}

export interface CredentialReader {
  /** The user with a key and its password hash, in one statement whether or not the user exists. */
  find(key: UserKey): Promise<UserWithPassword | undefined>;

  /** The password hashes of the users that have one, by user id, in one statement. */
  findHashes(userIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** A user id and its password hash. */
export interface UserIdWithHash {
  readonly userId: string;
  readonly passwordHash: string;
}

/** Stores at most one password hash per user. */
export interface CredentialRepository extends CredentialReader {
  /** Sets the password hash of a user, whether or not it has one. The user must exist. */
  put(userId: string, passwordHash: string): Promise<void>;

  /**
   * Sets the password hashes of users that have none, in one statement. The users must exist, and each may occur only
   * once.
   */
  putMany(hashes: readonly UserIdWithHash[]): Promise<void>;

  /** Sets the password hash of a user if it is still `current`. Returns whether it was. */
  replace(userId: string, current: string, passwordHash: string): Promise<boolean>;
}
