import { type DomainError, invalidField } from "../../../domain/errors.ts";
import { type Fields, objectAt, objectOf, textAt } from "./fields.ts";

const field = "custom_password_hash";
const within = `${field}.`;

/**
 * `custom_password_hash` of Auth0's bulk import, whose algorithm, digest, salt and key are separate fields, as one
 * text.
 * @throws PASSWORD_HASH_UNACCEPTABLE if the hash is not supported
 * @throws INVALID_REQUEST if a field has the wrong type
 */
export function auth0CustomHash(value: unknown): string {
  if (value === undefined || value === null) return "";
  const custom = objectOf(value, field);
  const hash = objectAt(custom, "hash", within);
  const algorithm = textAt(custom, "algorithm", within);
  assertPasswordEncoding(custom);
  switch (algorithm) {
    case "argon2":
    case "bcrypt":
    case "ldap":
    case "pbkdf2":
      return textAt(hash, "value", `${within}hash.`);
    case "md5":
    case "sha1":
    case "sha256":
    case "sha512":
      return saltedDigest(algorithm, hash, objectAt(custom, "salt", within));
    case "hmac": {
      // Ory Kratos's format has the digest in hex, then in base64.
      const digest = bytesOf(hash, "hash", "hex").toString("hex");
      const key = bytesOf(objectAt(hash, "key", `${within}hash.`), "hash.key", "utf8");
      return `$hmac-${textAt(hash, "digest", `${within}hash.`)}$${base64(Buffer.from(digest))}$${base64(key)}`;
    }
    case "scrypt": {
      const [cost, blockSize, parallelization] = [
        wholeNumber(custom, "cost", 16_384),
        wholeNumber(custom, "blockSize", 8),
        wholeNumber(custom, "parallelization", 1),
      ];
      const salt = bytesOf(objectAt(custom, "salt", within), "salt", "utf8");
      const costs = `ln=${Math.log2(cost)},r=${blockSize},p=${parallelization}`;
      return `$scrypt$${costs}$${base64(salt)}$${base64(bytesOf(hash, "hash", "hex"))}`;
    }
    default:
      throw unacceptable("algorithm", "is not supported");
  }
}

/** The accepted encodings agree on ASCII, which most passwords are. */
function assertPasswordEncoding(custom: Fields): void {
  const encoding = textAt(objectAt(custom, "password", within), "encoding", `${within}password.`) || "utf8";
  if (["utf8", "ascii", "latin1", "binary"].includes(encoding)) return;
  throw unacceptable("password.encoding", "is not supported; passwords are hashed as UTF-8");
}

function saltedDigest(algorithm: string, hash: Fields, salt: Fields): string {
  const digest = base64(bytesOf(hash, "hash", "hex"));
  const value = bytesOf(salt, "salt", "utf8");
  if (value.length === 0) return `$${algorithm}$${digest}`;
  const position = textAt(salt, "position", `${within}salt.`) || "prefix";
  if (position !== "prefix" && position !== "suffix") {
    throw unacceptable("salt.position", "must be prefix or suffix");
  }
  const pattern = position === "suffix" ? "{PASSWORD}{SALT}" : "{SALT}{PASSWORD}";
  return `$${algorithm}$pf=${base64(Buffer.from(pattern))}$${base64(value)}$${digest}`;
}

const alphabets = new Map<string, RegExp>([
  ["hex", /^(?:[0-9a-f]{2})*$/i],
  ["base64", /^[\w+/-]*={0,2}$/],
  ["utf8", /^/],
]);

/** The bytes of a value that names its encoding. The alphabet is checked, because Buffer ignores invalid characters. */
function bytesOf(fields: Fields, path: string, ifMissing: "hex" | "utf8"): Buffer {
  const value = textAt(fields, "value", `${within}${path}.`);
  const encoding = textAt(fields, "encoding", `${within}${path}.`) || ifMissing;
  const alphabet = alphabets.get(encoding);
  if (alphabet === undefined) throw unacceptable(`${path}.encoding`, "must be base64, hex or utf8");
  if (!alphabet.test(value)) throw unacceptable(`${path}.value`, `is not ${encoding}`);
  return Buffer.from(value, encoding as BufferEncoding);
}

function wholeNumber(custom: Fields, name: string, ifMissing: number): number {
  const value = custom[name] ?? ifMissing;
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw unacceptable(name, "must be a positive whole number");
}

function base64(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}

function unacceptable(path: string, description: string): DomainError {
  return invalidField("PASSWORD_HASH_UNACCEPTABLE", within + path, description);
}
