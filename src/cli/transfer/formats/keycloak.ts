import {
  countOf,
  type Fields,
  flagAt,
  listAt,
  objectOf,
  objectsOf,
  textAt,
  unixMillisecondsAt,
} from "./fields.ts";
import {
  assertNoPlainPassword,
  attributesAt,
  type ForeignRow,
  foreignRow,
  joinName,
  type LeftOutCounts,
  type ReadOptions,
} from "./foreign.ts";

/**
 * A UserRepresentation of Keycloak, as in its exports and its admin API. Without `enabled` the user is disabled, as in
 * Keycloak's own importer.
 */
export function keycloakUser(value: unknown, options: ReadOptions): ForeignRow {
  const user = objectOf(value);
  const client = textAt(user, "serviceAccountClientId") || textAt(user, "serviceAccountClientLink");
  if (client !== "") return { skipped: "service accounts" };
  const credentials = listAt(user, "credentials").map((each) => objectOf(each, "credentials"));
  const password = credentials.find(({ type }) => type === "password");
  return foreignRow("Keycloak", {
    id: textAt(user, "id"),
    email: textAt(user, "email"),
    username: textAt(user, "username"),
    displayName: joinName(textAt(user, "firstName"), textAt(user, "lastName")),
    attributes: attributesAt(user, "attributes", options, single),
    createTime: unixMillisecondsAt(user, "createdTimestamp", "number"),
    suspended: flagAt(user, "enabled", false) ? undefined : "disabled in Keycloak",
    passwordHash: password === undefined ? "" : hashOf(password),
    leftOut: leftOutOf(user, credentials, options),
    identifierFields: "email, username",
  });
}

/** Every attribute is a list, usually with one value. */
function single(values: unknown): unknown {
  return Array.isArray(values) && values.length < 2 ? values[0] : values;
}

/** The credential as JSON. Until release 8, exports had its parts as separate fields. */
function hashOf(credential: Fields): string {
  assertNoPlainPassword(credential, "value", "credentials.");
  const { credentialData, secretData, hashIterations, algorithm, salt, hashedSaltedValue } = credential;
  if (credentialData || !hashedSaltedValue) return JSON.stringify({ credentialData, secretData });
  return JSON.stringify({
    credentialData: { hashIterations, algorithm },
    secretData: { value: hashedSaltedValue, salt },
  });
}

function leftOutOf(user: Fields, credentials: readonly Fields[], options: ReadOptions): LeftOutCounts {
  const ofType = (...types: readonly unknown[]) =>
    credentials.filter(({ type }) => types.includes(type)).length;
  const known = {
    "one-time password secrets": ofType("otp", "totp", "hotp"),
    "recovery codes": ofType("recovery-authn-codes"),
    passkeys: ofType("webauthn", "webauthn-passwordless"),
    "former passwords": ofType("password-history"),
  };
  const others = credentials.length - ofType("password") - Object.values(known).reduce((a, b) => a + b);
  return {
    ...known,
    "other credentials": others,
    attributes: options.withAttributes ? 0 : countOf(user["attributes"]),
    groups: countOf(user["groups"]),
    roles: [user["realmRoles"], ...Object.values(user["clientRoles"] ?? {})]
      .map(countOf)
      .reduce((a, b) => a + b),
    "required actions": countOf(user["requiredActions"]),
    consents: objectsOf(user["clientConsents"]).length,
    "verified flags": countOf(user["emailVerified"]),
    "external identities": countOf(user["federatedIdentities"]) + (user["federationLink"] ? 1 : 0),
  };
}
