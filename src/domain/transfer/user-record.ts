import type { PasswordHashes } from "../credential/password-hashes.ts";
import { invalidField } from "../errors.ts";
import { type DomainToAscii, parseEmail } from "../identifier/email.ts";
import { parseUsername } from "../identifier/username.ts";
import { isInTimeRange } from "../time-range.ts";
import type { UserFields } from "../user/update-mask.ts";
import { assertAttributeKeys, assertIdentified, type NewUser } from "../user/user.ts";

/** A user that is transferred between systems, not yet canonical. */
export interface UserRecord extends UserFields {
  /** The UUID to keep; undefined to create one. */
  readonly id: string | undefined;
  /** Undefined if the user has no password. */
  readonly passwordHash: string | undefined;
  readonly createTime: Date | undefined;
  readonly suspension: NewUser["suspension"];
  readonly deleteTime: Date | undefined;
}

/** A record that can become a user if its id and keys are free. */
export interface ParsedRecord {
  readonly user: NewUser;
  /** The form to store. */
  readonly passwordHash: string | undefined;
}

/** Dependencies for parsing records. */
export interface RecordRules {
  readonly passwordHashes: PasswordHashes;
  readonly toAscii: DomainToAscii;
}

/** RFC 9562: a UUID of a defined version. */
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/** Whether a text is an id that an import keeps. */
export function isUserId(text: string): boolean {
  return uuid.test(text);
}

/** Identifies a record within the import. */
export interface RecordIdentity {
  readonly importDigest: string;
  /** Creates the id of a user whose record has none. */
  readonly newId: () => string;
}

/**
 * Canonicalises a record by the same rules as a call that creates a user. Computes no password hash.
 * @throws INVALID_REQUEST, EMAIL_INVALID, USERNAME_INVALID, PASSWORD_HASH_UNACCEPTABLE
 */
export async function parseRecord(
  record: UserRecord,
  { importDigest, newId }: RecordIdentity,
  rules: RecordRules,
): Promise<ParsedRecord> {
  const { email, username, displayName, attributes, suspension } = record;
  const user: NewUser = {
    id: parseId(record.id) ?? newId(),
    importDigest,
    email: email === undefined ? undefined : parseEmail(email, "user.email", rules.toAscii),
    username: username === undefined ? undefined : parseUsername(username, "user.username"),
    displayName,
    attributes,
    createTime: parseTime(record.createTime, "user.create_time"),
    suspension: suspension && parseSuspension(suspension),
    deleteTime: parseTime(record.deleteTime, "user.delete_time"),
  };
  assertIdentified(user);
  assertAttributeKeys(attributes);
  return { user, passwordHash: await parseHash(record.passwordHash, rules) };
}

function parseId(id: string | undefined): string | undefined {
  if (id === undefined || isUserId(id)) return id?.toLowerCase();
  throw invalidField("INVALID_REQUEST", "user.id", "must be a UUID (RFC 9562)");
}

function parseTime(time: Date | undefined, field: string): Date | undefined {
  if (time === undefined || isInTimeRange(time)) return time;
  throw invalidField("INVALID_REQUEST", field, "must be a time from year 1 to 9999");
}

function parseSuspension({ reason, startTime, untilTime }: NonNullable<NewUser["suspension"]>) {
  if (reason === "") throw invalidField("INVALID_REQUEST", "user.suspension.reason", "is required");
  return {
    reason,
    startTime: parseTime(startTime, "user.suspension.start_time"),
    untilTime: parseTime(untilTime, "user.suspension.until_time"),
  };
}

async function parseHash(
  text: string | undefined,
  { passwordHashes }: RecordRules,
): Promise<string | undefined> {
  if (text === undefined) return undefined;
  const verdict = await passwordHashes.accept(text);
  if ("stored" in verdict) return verdict.stored;
  if ("none" in verdict) return undefined;
  throw invalidField("PASSWORD_HASH_UNACCEPTABLE", "password_hash", `the hash ${verdict.refusal}`);
}
