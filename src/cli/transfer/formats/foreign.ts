import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { invalidField } from "../../../domain/errors.ts";
import { isUserId } from "../../../domain/transfer/user-record.ts";
import type { UserRecordSchema } from "../../../gen/auth/v1/user_transfer_service_pb.ts";
import { type Fields, objectAt, textAt } from "./fields.ts";

export type Attributes = Readonly<Record<string, string>>;

/** Data of users of other systems that has no equivalent here. It is counted, not imported. */
export type LeftOut =
  | "attributes"
  | "traits"
  | "groups"
  | "roles"
  | "required actions"
  | "consents"
  | "one-time password secrets"
  | "recovery codes"
  | "passkeys"
  | "other second factors"
  | "other credentials"
  | "former passwords"
  | "verified flags"
  | "external identities"
  | "further identifiers"
  | "phone numbers"
  | "pictures"
  | "tenants";

export type LeftOutCounts = Readonly<Partial<Record<LeftOut, number>>>;

const idAttributes = {
  Keycloak: "keycloak_id",
  Kratos: "kratos_id",
  Auth0: "auth0_user_id",
  Firebase: "firebase_uid",
} as const;

const usernameAttributes = {
  Keycloak: "keycloak_username",
  Kratos: "kratos_username",
  Auth0: "auth0_username",
  Firebase: "firebase_username",
} as const;

export type ForeignSystem = keyof typeof idAttributes;

/** The attribute that keeps an id or username of another system that is not valid here. */
export type KeptAs = (typeof idAttributes | typeof usernameAttributes)[ForeignSystem];

/** A row of another system as a row of ImportUsers, or the reason why it is not a user. */
export type ForeignRow =
  | {
      readonly record: MessageInitShape<typeof UserRecordSchema>;
      /** Without entries of zero. */
      readonly leftOut?: LeftOutCounts;
      readonly keptAs?: readonly KeptAs[];
    }
  | { readonly skipped: "service accounts" };

export interface ReadOptions {
  /** Whether the attributes of the other system are imported. A row whose attributes are not valid here is refused. */
  readonly withAttributes: boolean;
}

/** A user as read from its format. Texts are empty if missing. */
export interface ForeignUser {
  readonly id: string;
  readonly email: string;
  readonly username: string;
  readonly displayName: string;
  readonly attributes: Attributes;
  readonly createTime: Date | undefined;
  /** Why the user cannot sign in there; undefined if the user can. */
  readonly suspended: string | undefined;
  readonly passwordHash: string;
  readonly leftOut: LeftOutCounts;
  /** The fields in which the reader looked for identifiers. */
  readonly identifierFields: string;
}

/**
 * A user of another system as a row. An id that is not a UUID of RFC 9562 is replaced by a new one and kept as an
 * attribute. A username with "@" is not valid here: it becomes the email if there is no other, else it is kept as an
 * attribute.
 * @throws INVALID_REQUEST if the user has no identifier, or an attribute has a reserved name
 */
export function foreignRow(system: ForeignSystem, user: ForeignUser): ForeignRow {
  const { displayName, createTime, suspended, passwordHash } = user;
  const { email, username, oldUsername } = identifiersOf(user);
  const isUuid = isUserId(user.id);
  const kept = new Map<KeptAs, string>();
  if (!isUuid && user.id !== "") kept.set(idAttributes[system], user.id);
  if (oldUsername !== "") kept.set(usernameAttributes[system], oldUsername);
  for (const name of kept.keys()) {
    if (!Object.hasOwn(user.attributes, name)) continue;
    throw invalidField("INVALID_REQUEST", `attributes.${name}`, "is reserved for a value of the import");
  }
  const leftOut = Object.entries(user.leftOut).filter(([, count]) => count > 0);
  return {
    record: {
      user: {
        id: isUuid ? user.id : "",
        email,
        username,
        displayName,
        attributes: { ...user.attributes, ...Object.fromEntries(kept) },
        ...(createTime === undefined ? {} : { createTime: timestampFromDate(createTime) }),
        ...(suspended === undefined ? {} : { suspension: { reason: suspended } }),
      },
      passwordHash,
    },
    leftOut: Object.fromEntries(leftOut),
    keptAs: [...kept.keys()],
  };
}

function identifiersOf({ email, username, leftOut, identifierFields }: ForeignUser) {
  if (email === "" && username === "") {
    const phone = leftOut["phone numbers"] ? "; phone numbers are not imported" : "";
    throw invalidField(
      "INVALID_REQUEST",
      "the row",
      `has neither an email nor a username (${identifierFields})${phone}`,
    );
  }
  if (!username.includes("@")) return { email, username, oldUsername: "" };
  const isEmail = email === "" || email.toLowerCase() === username.toLowerCase();
  return { email: email || username, username: "", oldUsername: isEmail ? "" : username };
}

/**
 * Attributes of another system, if they are imported: strings unchanged, everything else as JSON. Missing values are
 * omitted.
 * @param unwrap converts the format's representation of a value into the value
 * @throws INVALID_REQUEST if a number is too large to be exact, or the field is not an object
 */
export function attributesAt(
  fields: Fields,
  name: string,
  { withAttributes }: ReadOptions,
  unwrap = (value: unknown) => value,
): Attributes {
  if (!withAttributes) return {};
  const entries = Object.entries(objectAt(fields, name)).map(([key, value]) => [key, unwrap(value)] as const);
  const set = entries.filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(set.map(([key, value]) => [key, attributeText(`${name}.${key}`, value)]));
}

function attributeText(path: string, value: unknown): string {
  if (typeof value === "string") return value;
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part !== "number" || Math.abs(part) <= Number.MAX_SAFE_INTEGER) return part;
    throw invalidField("INVALID_REQUEST", path, "has a number too large to be exact; write it as a string");
  });
}

/** @throws PASSWORD_HASH_UNACCEPTABLE if the field holds a plain password */
export function assertNoPlainPassword(fields: Fields, name: string, within: string): void {
  if (textAt(fields, name, within) === "") return;
  throw invalidField(
    "PASSWORD_HASH_UNACCEPTABLE",
    within + name,
    "is a plain password; only hashes are imported",
  );
}

/** Joins the parts of a full name. */
export function joinName(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" ");
}
