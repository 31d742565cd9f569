import type { User } from "../../domain/user/user.ts";
import type { UserKey } from "./user-repository.ts";

/** A user and how its password is kept. */
export interface UserWithPassword {
  readonly user: User;
  /** PHC string, or undefined where the user has no password. */
  readonly passwordHash: string | undefined;
}

export interface CredentialReader {
  /** The user that a key names, with its password hash, by one statement whether or not there is such a user. */
  find(key: UserKey): Promise<UserWithPassword | undefined>;

  /** The password hashes of those of the users that have one, by user id, by one statement. */
  findHashes(userIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** How a user's password is kept. */
export interface UserIdWithHash {
  readonly userId: string;
  readonly passwordHash: string;
}

/** Keeps at most one password hash for each user. */
export interface CredentialRepository extends CredentialReader {
  /** Sets the password hash of a user, whether or not it has one. The user exists. */
  put(userId: string, passwordHash: string): Promise<void>;

  /** Sets the password hashes of users that have none, by one statement. The users exist, and each is there once. */
  putMany(hashes: readonly UserIdWithHash[]): Promise<void>;

  /** Sets the password hash of a user where it is still `current`. Answers whether it was. */
  replace(userId: string, current: string, passwordHash: string): Promise<boolean>;
}
