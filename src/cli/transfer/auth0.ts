import { invalidField } from "../../domain/errors.ts";
import {
  attributesOf,
  type ForeignRow,
  identifiers,
  objectAt,
  optionalObject,
  type ReadOptions,
  suspensionIf,
  textAt,
  timeAt,
} from "./foreign.ts";

/**
 * A user of Auth0: a line of the export of password hashes, which are bcrypt, or of the schema of its bulk import. Its id,
 * which is no UUID, becomes the attribute `auth0_user_id`.
 */
export function auth0User(value: unknown, options: ReadOptions): ForeignRow {
  const user = objectAt(value);
  const id = textAt(user, "user_id");
  return {
    record: {
      user: {
        ...identifiers(textAt(user, "email"), textAt(user, "username")),
        displayName: textAt(user, "name"),
        attributes: {
          ...attributesOf(user["app_metadata"], options),
          ...(id === "" ? {} : { auth0_user_id: id }),
        },
        createTime: timeAt(user, "created_at"),
        ...suspensionIf(user["blocked"] === true, "blocked in Auth0"),
      },
      passwordHash:
        textAt(user, "passwordHash") ||
        textAt(user, "password_hash") ||
        customHash(user["custom_password_hash"]),
    },
  };
}

/** `custom_password_hash`: algorithm, digest, salt and key apart. */
function customHash(value: unknown): string {
  if (value === undefined || value === null) return "";
  const custom = objectAt(value, "custom_password_hash");
  const hash = objectAt(custom["hash"], "custom_password_hash.hash");
  const algorithm = textAt(custom, "algorithm");
  switch (algorithm) {
    case "argon2":
    case "bcrypt":
    case "ldap":
    case "pbkdf2":
      return textAt(hash, "value");
    case "md5":
    case "sha1":
    case "sha256":
    case "sha512":
      return salted(algorithm, hash, custom["salt"]);
    case "hmac": {
      const code = bytesOf(hash, "hex").toString("hex");
      const key = bytesOf(objectAt(hash["key"], "hash.key"), "utf8");
      return `$hmac-${textAt(hash, "digest")}$${base64(Buffer.from(code))}$${base64(key)}`;
    }
    case "scrypt": {
      const cost = `ln=${Math.log2(Number(custom["cost"] ?? 16_384))},r=${custom["blockSize"] ?? 8},p=${custom["parallelization"] ?? 1}`;
      const salt = bytesOf(optionalObject(custom["salt"], "salt"), "utf8");
      return `$scrypt$${cost}$${base64(salt)}$${base64(bytesOf(hash, "hex"))}`;
    }
    default:
      throw invalidField("PASSWORD_HASH_UNACCEPTABLE", "custom_password_hash", "unknown algorithm");
  }
}

function salted(algorithm: string, hash: Readonly<Record<string, unknown>>, given: unknown): string {
  const digest = base64(bytesOf(hash, "hex"));
  const salt = optionalObject(given, "custom_password_hash.salt");
  const value = bytesOf(salt, "utf8");
  if (value.length === 0) return `$${algorithm}$${digest}`;
  const pattern = textAt(salt, "position") === "suffix" ? "{PASSWORD}{SALT}" : "{SALT}{PASSWORD}";
  return `$${algorithm}$pf=${base64(Buffer.from(pattern))}$${base64(value)}$${digest}`;
}

/** The bytes of a value that says how it is encoded. */
function bytesOf(fields: Readonly<Record<string, unknown>>, otherwise: "hex" | "utf8"): Buffer {
  const encoding = textAt(fields, "encoding") || otherwise;
  if (encoding !== "hex" && encoding !== "base64" && encoding !== "utf8") {
    throw invalidField("PASSWORD_HASH_UNACCEPTABLE", "custom_password_hash", "unknown encoding");
  }
  return Buffer.from(textAt(fields, "value"), encoding);
}

function base64(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}
