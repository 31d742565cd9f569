import { DomainError, invalidField } from "../errors.ts";

export type UserState = "active" | "suspended" | "deleted";

/** Something a person types to say who they are: as it was given, and the canonical key that it is compared by. */
export interface Identifier {
  readonly value: string;
  readonly key: string;
}

export type Attributes = Readonly<Record<string, string>>;

export interface Suspension {
  readonly reason: string;
  readonly startTime: Date;
  /** Undefined where the suspension does not end by itself. */
  readonly untilTime: Date | undefined;
}

/**
 * A user as an adapter hands it over: one flat record, absent values undefined, times in whole milliseconds. `state` is
 * decided by the database's clock in the statement that answered the row.
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

/** What a caller decides about a user. */
export interface UserProfile {
  readonly email: Identifier | undefined;
  readonly username: Identifier | undefined;
  readonly displayName: string;
  readonly attributes: Attributes;
}

/** A time that the statement which writes it takes from the database's clock. */
export const now = Symbol("now");

/** All of a user that can change, as it is to become. */
export interface UserDraft extends UserProfile {
  readonly suspension: (Omit<Suspension, "startTime"> & { startTime: Date | typeof now }) | undefined;
  readonly deleteTime: Date | typeof now | undefined;
}

/** A user that is there already, in another system: as it is to begin here. A time that is still to come means now. */
export interface NewUser extends UserProfile {
  readonly id: string;
  /** By which the import that creates the user recognizes its row when it is sent again. */
  readonly importDigest: string;
  /** Undefined for now. */
  readonly createTime: Date | undefined;
  readonly suspension: (Omit<Suspension, "startTime"> & { readonly startTime: Date | undefined }) | undefined;
  /** Undefined where the user is not deleted. */
  readonly deleteTime: Date | undefined;
}

/**
 * A person or a thing that can be identified. A user is a value: what changes it answers a draft of what it is to
 * become, or undefined where nothing would change, and a repository makes the draft true.
 */
export class User implements UserProfile {
  readonly id: string;
  readonly email: Identifier | undefined;
  readonly username: Identifier | undefined;
  readonly displayName: string;
  readonly attributes: Attributes;
  readonly state: UserState;
  /** The last suspension, in force or not: `state` says which. */
  readonly suspension: Suspension | undefined;
  readonly createTime: Date;
  readonly updateTime: Date;
  readonly deleteTime: Date | undefined;
  /** Counts the user's changes; what an update is conditional on. */
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

  /** The inverse of `fromRow`: for who keeps a copy of the user. */
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

  /** The version as callers see it (AIP-154): opaque, different after every change. */
  get etag(): string {
    return String(this.version);
  }

  /** @throws ETAG_MISMATCH where a caller names another version than this; no etag names any. */
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

  /** @throws USER_DELETED, INVALID_REQUEST where nothing would be left to identify the user by. */
  edited(profile: UserProfile): UserDraft | undefined {
    this.assertNotDeleted();
    assertIdentified(profile);
    return sameProfile(this, profile) ? undefined : { ...this.#draft(), ...profile };
  }

  /** @throws USER_NOT_FOUND where the user is deleted already (AIP-164). */
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
/** Each word begins with a letter: only such a key survives the conversion of a FieldMask to JSON and back. */
const attributeKey = /^[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*$/;

/**
 * @param known what the user has already: keys that an earlier release accepted stay
 * @throws INVALID_REQUEST if a key is malformed
 */
export function assertAttributeKeys(attributes: Attributes, known: Attributes = {}): void {
  for (const key of Object.keys(attributes)) {
    if (Object.hasOwn(known, key) || (key.length <= maxKeyLength && attributeKey.test(key))) continue;
    const description = `must be lower snake case, at most ${maxKeyLength} characters, each word starting with a letter`;
    throw invalidField("INVALID_REQUEST", `user.attributes[${JSON.stringify(key)}]`, description);
  }
}

/** @throws INVALID_REQUEST where a profile has no identifier or too many attributes. */
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
