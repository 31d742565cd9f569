import { DomainError, invalidField } from "../errors.ts";

export type UserState = "active" | "suspended" | "deleted";

/** An email or username: the value as entered, and the canonical key that it is compared by. */
export interface Identifier {
  readonly value: string;
  readonly key: string;
}

export type Attributes = Readonly<Record<string, string>>;

export interface Suspension {
  readonly reason: string;
  readonly startTime: Date;
  /** Undefined if the suspension does not end by itself. */
  readonly untilTime: Date | undefined;
}

/**
 * A user as returned by a database adapter: one flat record, absent values undefined, times in whole milliseconds. The
 * database's clock determines `state`, in the statement that returned the row.
 */
export interface UserRow {
  readonly id: string;
  readonly email?: string | undefined;
  readonly emailKey?: string | undefined;
  readonly username?: string | undefined;
  readonly usernameKey?: string | undefined;
  readonly displayName: string;
  readonly attributes: Attributes;
  readonly state: UserState;
  readonly suspendReason?: string | undefined;
  readonly suspendTime?: Date | undefined;
  readonly suspendUntilTime?: Date | undefined;
  readonly createTime: Date;
  readonly updateTime: Date;
  readonly deleteTime?: Date | undefined;
  readonly version: number;
}

/** The fields of a user that callers set. */
export interface UserProfile {
  readonly email: Identifier | undefined;
  readonly username: Identifier | undefined;
  readonly displayName: string;
  readonly attributes: Attributes;
}

/** The time of the database's clock, taken by the statement that writes it. */
export const now = Symbol("now");

/** The new values of all fields of a user that can change. */
export interface UserDraft extends UserProfile {
  readonly suspension: (Omit<Suspension, "startTime"> & { startTime: Date | typeof now }) | undefined;
  readonly deleteTime: Date | typeof now | undefined;
}

/** A user that already exists in another system, as it is to be created here. Times in the future mean now. */
export interface NewUser extends UserProfile {
  readonly id: string;
  /** Identifies the row that created the user when the import is sent again. */
  readonly importDigest: string;
  /** Undefined means now. */
  readonly createTime: Date | undefined;
  readonly suspension: (Omit<Suspension, "startTime"> & { readonly startTime: Date | undefined }) | undefined;
  /** Undefined if the user is not deleted. */
  readonly deleteTime: Date | undefined;
}

/**
 * An identifiable person or thing. A user is immutable: methods that change it return a draft of the new state, or
 * undefined if nothing would change, and a repository writes the draft.
 */
export class User implements UserProfile {
  readonly id: string;
  readonly email: Identifier | undefined;
  readonly username: Identifier | undefined;
  readonly displayName: string;
  readonly attributes: Attributes;
  readonly state: UserState;
  /** The last suspension, in force or not; see `state`. */
  readonly suspension: Suspension | undefined;
  readonly createTime: Date;
  readonly updateTime: Date;
  readonly deleteTime: Date | undefined;
  /** Incremented by every change. Updates are conditional on it. */
  readonly version: number;

  static fromRow(row: UserRow): User {
    return new User(row);
  }

  private constructor(row: UserRow) {
    this.id = row.id;
    this.email = identifier(row.email, row.emailKey);
    this.username = identifier(row.username, row.usernameKey);
    this.displayName = row.displayName;
    this.attributes = row.attributes;
    this.state = row.state;
    this.suspension =
      row.suspendTime === undefined
        ? undefined
        : { reason: row.suspendReason ?? "", startTime: row.suspendTime, untilTime: row.suspendUntilTime };
    this.createTime = row.createTime;
    this.updateTime = row.updateTime;
    this.deleteTime = row.deleteTime;
    this.version = row.version;
  }

  /** The inverse of `fromRow`, for code that stores a copy of the user. */
  toRow(): UserRow {
    return {
      id: this.id,
      email: this.email?.value,
      emailKey: this.email?.key,
      username: this.username?.value,
      usernameKey: this.username?.key,
      displayName: this.displayName,
      attributes: this.attributes,
      state: this.state,
      suspendReason: this.suspension?.reason,
      suspendTime: this.suspension?.startTime,
      suspendUntilTime: this.suspension?.untilTime,
      createTime: this.createTime,
      updateTime: this.updateTime,
      deleteTime: this.deleteTime,
      version: this.version,
    };
  }

  /** The version for callers (AIP-154): opaque, different after every change. */
  get etag(): string {
    return String(this.version);
  }

  /** @throws ETAG_MISMATCH if the caller sends the etag of another version. Without an etag, any version matches. */
  assertEtag(etag: string | undefined): void {
    if (etag !== undefined && etag !== this.etag) {
      throw new DomainError("ETAG_MISMATCH", "the user has changed since it was read; read it again");
    }
  }

  /** @throws USER_DELETED */
  assertNotDeleted(): void {
    if (this.state === "deleted") {
      throw new DomainError("USER_DELETED", "the user is deleted; undelete it first");
    }
  }

  /** @throws USER_DELETED, INVALID_REQUEST if the user would be left without an identifier */
  edited(profile: UserProfile): UserDraft | undefined {
    this.assertNotDeleted();
    assertIdentified(profile);
    return sameProfile(this, profile) ? undefined : { ...this.#draft(), ...profile };
  }

  /** @throws USER_NOT_FOUND if the user is already deleted (AIP-164) */
  deleted(): UserDraft {
    if (this.state === "deleted") throw userNotFound();
    return { ...this.#draft(), deleteTime: now };
  }

  /** @throws USER_NOT_DELETED */
  undeleted(): UserDraft {
    if (this.state !== "deleted") throw new DomainError("USER_NOT_DELETED", "the user is not deleted");
    return { ...this.#draft(), deleteTime: undefined };
  }

  /** @throws USER_DELETED */
  suspended(reason: string, untilTime: Date | undefined): UserDraft | undefined {
    this.assertNotDeleted();
    const current = this.state === "suspended" ? this.suspension : undefined;
    if (current?.reason === reason && current.untilTime?.getTime() === untilTime?.getTime()) return undefined;
    return { ...this.#draft(), suspension: { reason, untilTime, startTime: current?.startTime ?? now } };
  }

  /** @throws USER_DELETED */
  unsuspended(): UserDraft | undefined {
    this.assertNotDeleted();
    return this.state === "suspended" ? { ...this.#draft(), suspension: undefined } : undefined;
  }

  #draft(): UserDraft {
    const { email, username, displayName, attributes, suspension, deleteTime } = this;
    return { email, username, displayName, attributes, suspension, deleteTime };
  }
}

const maxAttributes = 32;
const maxKeyLength = 63;
/** Each word begins with a letter: only such keys survive the conversion of a FieldMask to JSON and back. */
const attributeKey = /^[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*$/;

/**
 * @param known the user's current attributes: keys that an earlier release accepted stay valid
 * @throws INVALID_REQUEST if a key is malformed
 */
export function assertAttributeKeys(attributes: Attributes, known: Attributes = {}): void {
  for (const key of Object.keys(attributes)) {
    if (Object.hasOwn(known, key) || (key.length <= maxKeyLength && attributeKey.test(key))) continue;
    const description = `must be lower snake case, at most ${maxKeyLength} characters, each word starting with a letter`;
    throw invalidField("INVALID_REQUEST", `user.attributes[${JSON.stringify(key)}]`, description);
  }
}

/** @throws INVALID_REQUEST if a profile has no identifier or too many attributes */
export function assertIdentified(profile: UserProfile): void {
  if (profile.email === undefined && profile.username === undefined) {
    throw invalidField("INVALID_REQUEST", "user.email", "email or username is required");
  }
  if (Object.keys(profile.attributes).length > maxAttributes) {
    throw invalidField("INVALID_REQUEST", "user.attributes", `must have at most ${maxAttributes} entries`);
  }
}

export function userNotFound(): DomainError {
  return new DomainError("USER_NOT_FOUND", "user not found");
}

function identifier(value: string | undefined, key: string | undefined): Identifier | undefined {
  return value === undefined || key === undefined ? undefined : { value, key };
}

function sameProfile(a: UserProfile, b: UserProfile): boolean {
  const attributes = Object.entries(a.attributes);
  return (
    a.email?.value === b.email?.value &&
    a.username?.value === b.username?.value &&
    a.displayName === b.displayName &&
    attributes.length === Object.keys(b.attributes).length &&
    attributes.every(([key, value]) => b.attributes[key] === value)
  );
}
