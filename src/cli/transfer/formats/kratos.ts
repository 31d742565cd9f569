import { invalidField } from "../../../domain/errors.ts";
import { earliestMs } from "../../../domain/time-range.ts";
import { countOf, type Fields, objectAt, objectOf, objectsOf, textAt, textsAt, timeAt } from "./fields.ts";
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
 * An identity of Ory Kratos, as its admin API lists it or its import accepts it. Every installation names its own
 * traits: if `traits.email` or `traits.username` is missing, the identifiers of the password are used, then the
 * verifiable addresses.
 */
export function kratosIdentity(value: unknown, options: ReadOptions): ForeignRow {
  const identity = objectOf(value);
  const traits = objectAt(identity, "traits");
  const credentials = objectAt(identity, "credentials");
  const password = objectAt(credentials, "password", "credentials.");
  const identifiers = textsAt(password, "identifiers", "credentials.password.");
  const email =
    textAt(traits, "email", "traits.") ||
    identifiers.find((each) => each.includes("@")) ||
    addressOf(identity) ||
    "";
  const username =
    textAt(traits, "username", "traits.") ||
    identifiers.find((each) => each !== "" && !each.includes("@")) ||
    "";
  const known = [email, username].map((each) => each.toLowerCase());
  return foreignRow("Kratos", {
    id: textAt(identity, "id"),
    email,
    username,
    displayName: nameOf(traits),
    attributes: attributesAt(identity, "metadata_public", options),
    createTime: createTimeOf(identity),
    suspended: isInactive(identity) ? "inactive in Kratos" : undefined,
    passwordHash: hashOf(objectAt(password, "config", "credentials.password.")),
    leftOut: {
      ...leftOutOf(identity, credentials, options),
      "further identifiers": identifiers.filter((each) => !known.includes(each.toLowerCase())).length,
    },
    identifierFields:
      "traits.email, traits.username, credentials.password.identifiers, verifiable_addresses of emails",
  });
}

function addressOf(identity: Fields): string | undefined {
  const address = objectsOf(identity["verifiable_addresses"]).find(({ via }) => via === "email");
  return address && textAt(address, "value", "verifiable_addresses.");
}

function nameOf(traits: Fields): string {
  if (typeof traits["name"] === "string") return traits["name"];
  const name = objectAt(traits, "name", "traits.");
  return joinName(textAt(name, "first", "traits.name."), textAt(name, "last", "traits.name."));
}

/** Go writes an unset time as the first second of year 1. */
function createTimeOf(identity: Fields): Date | undefined {
  const time = timeAt(identity, "created_at");
  return time?.getTime() === earliestMs ? undefined : time;
}

function isInactive(identity: Fields): boolean {
  const state = textAt(identity, "state");
  if (["", "active", "inactive"].includes(state)) return state === "inactive";
  throw invalidField("INVALID_REQUEST", "state", "must be active or inactive");
}

function hashOf(config: Fields): string {
  const within = "credentials.password.config.";
  assertNoPlainPassword(config, "password", within);
  return textAt(config, "hashed_password", within);
}

const knownCredentials = new Set([
  ...["password", "totp", "lookup_secret", "webauthn", "passkey", "oidc", "saml"],
  // Controls which fields a user may edit.
  "profile",
]);

function leftOutOf(identity: Fields, credentials: Fields, options: ReadOptions): LeftOutCounts {
  // A credential without its configuration, which holds secrets, counts as one.
  const inside = (type: string, list: string) => {
    if (typeof credentials[type] !== "object" || credentials[type] === null) return 0;
    const { config, identifiers } = credentials[type] as Fields;
    const parts = typeof config === "object" && config !== null ? (config as Fields)[list] : undefined;
    return countOf(parts) || Math.max(countOf(identifiers), 1);
  };
  const addresses = objectsOf(identity["verifiable_addresses"]);
  const traits = objectAt(identity, "traits");
  const imported = ["email", "username", ...(nameOf(traits) === "" ? [] : ["name"])];
  return {
    attributes:
      countOf(identity["metadata_admin"]) +
      (options.withAttributes ? 0 : countOf(identity["metadata_public"])),
    traits: Object.keys(traits).filter((name) => !imported.includes(name)).length,
    "one-time password secrets": countOf(credentials["totp"]) && 1,
    "recovery codes": inside("lookup_secret", "recovery_codes"),
    passkeys: inside("webauthn", "credentials") + inside("passkey", "credentials"),
    "external identities": inside("oidc", "providers") + inside("saml", "providers"),
    "other credentials": Object.keys(credentials).filter((type) => !knownCredentials.has(type)).length,
    "verified flags": addresses.filter(({ verified }) => verified === true).length,
    "phone numbers": addresses.filter(({ via }) => via === "sms").length,
  };
}
