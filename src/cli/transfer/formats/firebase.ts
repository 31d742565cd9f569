import { readFile } from "node:fs/promises";
import { invalidField } from "../../../domain/errors.ts";
import { StartError } from "../../../infrastructure/process/start-error.ts";
import { unreadable } from "../files/input-file.ts";
import { countOf, type Fields, flagAt, objectOf, objectsOf, textAt, unixMillisecondsAt } from "./fields.ts";
import {
  attributesAt,
  type ForeignRow,
  foreignRow,
  type LeftOutCounts,
  type ReadOptions,
} from "./foreign.ts";

/** How a Firebase project hashes passwords. The signer key is its secret. */
export interface FirebaseParameters {
  readonly signerKey: string;
  readonly saltSeparator: string;
  readonly rounds: string;
  readonly memoryCost: string;
}

/**
 * Reads a project's parameters from a file: `hash_config { … }` as the console shows it, or the same names in JSON.
 * @throws StartError if the file cannot be read or a parameter is missing
 */
export async function readFirebaseParameters(path: string): Promise<FirebaseParameters> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw unreadable(path, error);
  });
  const value = (name: string) => {
    const found = new RegExp(`"?\\b${name}"?\\s*:\\s*"?([\\w+/=-]+)`).exec(text)?.[1];
    if (found === undefined) throw new StartError(`${path}: has no ${name}`);
    return found;
  };
  return {
    signerKey: standardBase64(value("base64_signer_key")),
    saltSeparator: standardBase64(value("base64_salt_separator")),
    rounds: value("rounds"),
    memoryCost: value("mem_cost"),
  };
}

/** A user of `firebase auth:export`. */
export function firebaseUser(project: FirebaseParameters) {
  return (value: unknown, options: ReadOptions): ForeignRow => {
    const user = objectOf(value);
    const claims = { customAttributes: claimsOf(user, options) };
    return foreignRow("Firebase", {
      id: textAt(user, "localId"),
      email: textAt(user, "email"),
      username: "",
      displayName: textAt(user, "displayName"),
      attributes: attributesAt(claims, "customAttributes", options),
      createTime: unixMillisecondsAt(user, "createdAt", "digits"),
      suspended: flagAt(user, "disabled", false) ? "disabled in Firebase" : undefined,
      passwordHash: hashOf(user, project),
      leftOut: leftOutOf(user, claims, options),
      identifierFields: "email",
    });
  };
}

/** What the export has instead of a hash if its caller may not read the project's parameters: "REDACTED" in base64. */
const redacted = "UkVEQUNURUQ=";

function hashOf(user: Fields, { signerKey, saltSeparator, rounds, memoryCost }: FirebaseParameters): string {
  const hash = standardBase64(textAt(user, "passwordHash"));
  const salt = standardBase64(textAt(user, "salt"));
  if (hash === "") return "";
  if (hash === redacted) {
    throw invalidField(
      "PASSWORD_HASH_UNACCEPTABLE",
      "passwordHash",
      "is redacted; export with the permission firebaseauth.configs.getHashConfig",
    );
  }
  return `$firescrypt$ln=${memoryCost},r=${rounds},p=1$${salt}$${hash}$${saltSeparator}$${signerKey}`;
}

/** Custom claims are JSON in a string. They are at least counted if they are not imported. */
function claimsOf(user: Fields, { withAttributes }: ReadOptions): unknown {
  const text = textAt(user, "customAttributes");
  try {
    return JSON.parse(text || "{}");
  } catch {
    if (!withAttributes) return {};
    throw invalidField("INVALID_REQUEST", "customAttributes", "is not valid JSON");
  }
}

function leftOutOf(user: Fields, claims: Fields, { withAttributes }: ReadOptions): LeftOutCounts {
  const factors = objectsOf(user["mfaInfo"]);
  const secrets = factors.filter(({ totpInfo }) => Boolean(totpInfo)).length;
  const providers = objectsOf(user["providerUserInfo"]);
  return {
    attributes: withAttributes ? 0 : countOf(claims["customAttributes"]),
    "verified flags": countOf(user["emailVerified"]),
    "one-time password secrets": secrets,
    "other second factors": factors.length - secrets,
    "external identities": providers.filter(
      ({ providerId }) => providerId !== "password" && providerId !== "phone",
    ).length,
    "phone numbers": user["phoneNumber"] ? 1 : 0,
    pictures: user["photoUrl"] ? 1 : 0,
    tenants: user["tenantId"] ? 1 : 0,
  };
}

/** Converts the URL-safe alphabet, which the API uses. */
function standardBase64(text: string): string {
  return text.replaceAll("-", "+").replaceAll("_", "/");
}
