import { auth0CustomHash } from "./auth0-hash.ts";
import {
  countOf,
  type Fields,
  flagAt,
  objectOf,
  objectsOf,
  textAt,
  timeAt,
  unixMillisecondsAt,
} from "./fields.ts";
import {
  attributesAt,
  type ForeignRow,
  foreignRow,
  joinName,
  type LeftOutCounts,
  type ReadOptions,
} from "./foreign.ts";

/**
 * A user of Auth0: a line of the export of password hashes (bcrypt), which mongoexport writes, or a user in the schema
 * of bulk imports.
 */
export function auth0User(value: unknown, options: ReadOptions): ForeignRow {
  const user = objectOf(value);
  const identifiers = objectsOf(user["identifiers"]);
  const identifier = (kind: string) => {
    const found = identifiers.find(({ type }) => type === kind);
    return found === undefined ? "" : textAt(found, "value", "identifiers.");
  };
  const email = textAt(user, "email") || identifier("email");
  const username = textAt(user, "username") || identifier("username");
  return foreignRow("Auth0", {
    id: idOf(user),
    email,
    username,
    displayName: textAt(user, "name") || joinName(textAt(user, "given_name"), textAt(user, "family_name")),
    attributes: attributesAt(user, "app_metadata", options),
    createTime: createTimeOf(user),
    suspended: flagAt(user, "blocked", false) ? "blocked in Auth0" : undefined,
    passwordHash:
      textAt(user, "passwordHash") ||
      textAt(user, "password_hash") ||
      auth0CustomHash(user["custom_password_hash"]),
    leftOut: {
      ...leftOutOf(user, identifiers, options),
      "further identifiers": furtherIdentifiers(identifiers, email, username),
    },
    identifierFields: "email, username, identifiers",
  });
}

/** The export of hashes has only the part of the id after "auth0|": `alt_id` if the tenant chose it, else `_id`. */
function idOf(user: Fields): string {
  const whole = textAt(user, "user_id");
  if (whole !== "") return whole;
  const id = user["_id"];
  const part =
    textAt(user, "alt_id") ||
    (typeof id === "string" ? id : textAt(objectOf(id ?? {}, "_id"), "$oid", "_id."));
  return part === "" ? "" : `auth0|${part}`;
}

/** RFC 3339. mongoexport wraps it, or the milliseconds since 1970 (MongoDB Extended JSON v2). */
function createTimeOf(user: Fields): Date | undefined {
  if (typeof user["created_at"] !== "object" || user["created_at"] === null)
    return timeAt(user, "created_at");
  const { $date } = objectOf(user["created_at"], "created_at");
  if (typeof $date !== "object" || $date === null) return timeAt({ created_at: $date ?? {} }, "created_at");
  const { $numberLong } = $date as Fields;
  return unixMillisecondsAt({ created_at: $numberLong ?? "" }, "created_at", "digits");
}

function furtherIdentifiers(identifiers: readonly Fields[], email: string, username: string): number {
  const others = identifiers.filter(({ type, value }) => {
    return (type === "email" && value !== email) || (type === "username" && value !== username);
  });
  return others.length;
}

function leftOutOf(user: Fields, identifiers: readonly Fields[], options: ReadOptions): LeftOutCounts {
  const verified = identifiers.filter((each) => each["verified"] === true);
  const factors = objectsOf(user["mfa_factors"]);
  const secrets = factors.filter(({ totp }) => Boolean(totp)).length;
  const connections = objectsOf(user["identities"]).filter(({ provider }) => provider !== "auth0");
  return {
    attributes: countOf(user["user_metadata"]) + (options.withAttributes ? 0 : countOf(user["app_metadata"])),
    "verified flags": Math.max(
      countOf(user["email_verified"]) + countOf(user["phone_verified"]),
      verified.length,
    ),
    "one-time password secrets": secrets,
    "other second factors": factors.length - secrets + countOf(user["multifactor"]),
    "external identities": connections.length,
    "phone numbers": user["phone_number"] ? 1 : identifiers.filter(({ type }) => type === "phone").length,
    pictures: user["picture"] ? 1 : 0,
  };
}
