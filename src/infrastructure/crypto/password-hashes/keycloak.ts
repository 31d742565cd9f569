import { argon2Hash, argon2Type, argon2Version } from "./argon2.ts";
import { bcrypt } from "./bcrypt.ts";
import { fromBase64 } from "./encodings.ts";
import { malformed, type PasswordHash, type PasswordHashFormat } from "./password-hash.ts";
import { type Pbkdf2Digest, pbkdf2Hash } from "./pbkdf2.ts";

const format = "Keycloak";
const digests = new Map<unknown, Pbkdf2Digest>([
  ["pbkdf2", "sha1"],
  ["pbkdf2-sha256", "sha256"],
  ["pbkdf2-sha512", "sha512"],
]);

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * A credential of a Keycloak export: a JSON object with `credentialData` and `secretData`, each an object or its JSON
 * text. Keycloak itself writes argon2 and PBKDF2. Its community providers of bcrypt (keycloak-bcrypt and its forks)
 * write the whole bcrypt hash as the value, next to a salt that they ignore.
 */
export const keycloak: PasswordHashFormat = {
  begins: /^\{\s*"/,
  read(text) {
    const credential = objectOf(parsed(text), "credential");
    const data = objectOf(parsed(credential["credentialData"]), "credentialData");
    const secret = objectOf(parsed(credential["secretData"]), "secretData");
    const { algorithm } = data;
    if (algorithm === "bcrypt") return bcrypt.read(textOf(secret, "value"));
    if (algorithm === "argon2") return argon2Of(data, secret);
    const digest = digests.get(algorithm);
    if (digest === undefined) {
      const known = ["argon2", "bcrypt", ...digests.keys()].join(", ");
      throw malformed(format, `its algorithm is not supported; expected ${known}`);
    }
    return pbkdf2Hash(
      digest,
      Number(data["hashIterations"]),
      bytesOf(secret, "salt"),
      bytesOf(secret, "value"),
    );
  },
};

/** Reads an argon2 credential. Each parameter is a list of one string. */
function argon2Of(data: JsonObject, secret: JsonObject): PasswordHash {
  const parameters = objectOf(data["additionalParameters"], "additionalParameters");
  const first = (name: string) => [parameters[name]].flat()[0];
  const tag = bytesOf(secret, "value");
  if (Number(first("hashLength")) !== tag.length) {
    throw malformed(format, `its hashLength is not ${tag.length}, the bytes of its value`);
  }
  return argon2Hash({
    type: argon2Type(first("type")),
    version: argon2Version(first("version")),
    memoryKib: Number(first("memory")),
    iterations: Number(data["hashIterations"]),
    parallelism: Number(first("parallelism")),
    salt: bytesOf(secret, "salt"),
    tag,
  });
}

function objectOf(value: unknown, name: string): JsonObject {
  if (typeof value === "object" && value !== null) return value as JsonObject;
  throw malformed(format, `its ${name} is not a JSON object`);
}

/** Parses JSON. Text that is not JSON is returned as is, because the error message of JSON.parse would quote it. */
function parsed(json: unknown): unknown {
  if (typeof json !== "string") return json;
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

function textOf(secret: JsonObject, name: string): string {
  const value = secret[name];
  if (typeof value === "string") return value;
  throw malformed(format, `its secretData has no ${name}`);
}

function bytesOf(secret: JsonObject, name: string): Buffer {
  return fromBase64(textOf(secret, name), format);
}
