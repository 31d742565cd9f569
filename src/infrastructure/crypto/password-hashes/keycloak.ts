import { argon2Hash, argon2Type } from "./argon2.ts";
import { fromBase64 } from "./encodings.ts";
import { garbled, type PasswordHash, type PasswordHashFormat } from "./password-hash.ts";
import { type Pbkdf2Digest, pbkdf2Hash } from "./pbkdf2.ts";

const format = "Keycloak";
const digests = new Map<unknown, Pbkdf2Digest>([
  ["pbkdf2", "sha1"],
  ["pbkdf2-sha256", "sha256"],
  ["pbkdf2-sha512", "sha512"],
]);
const argon2Versions = new Map<unknown, 16 | 19>([
  ["1.0", 16],
  ["1.3", 19],
]);

/** A credential of a Keycloak export: a JSON object with `credentialData` and `secretData`, each an object or its JSON. */
export const keycloak: PasswordHashFormat = {
  begins: /^\s*\{\s*"/,
  read(text) {
    const credential = objectOf(text);
    const data = objectOf(credential["credentialData"]);
    const secret = objectOf(credential["secretData"]);
    const iterations = Number(data["hashIterations"]);
    const [salt, digest] = [bytesOf(secret["salt"]), bytesOf(secret["value"])];
    if (data["algorithm"] === "argon2") {
      return argon2Of(objectOf(data["additionalParameters"]), iterations, salt, digest);
    }
    const name = digests.get(data["algorithm"]);
    if (name === undefined) throw garbled(format);
    return pbkdf2Hash(name, iterations, salt, digest);
  },
};

/** Each parameter is a list of one text. */
function argon2Of(
  parameters: Record<string, unknown>,
  iterations: number,
  salt: Buffer,
  tag: Buffer,
): PasswordHash {
  const first = (name: string) => [parameters[name]].flat()[0];
  const version = argon2Versions.get(first("version"));
  if (version === undefined || Number(first("hashLength")) !== tag.length) throw garbled(format);
  return argon2Hash({
    type: argon2Type(first("type")),
    version,
    memoryKib: Number(first("memory")),
    iterations,
    parallelism: Number(first("parallelism")),
    salt,
    tag,
  });
}

function objectOf(value: unknown): Record<string, unknown> {
  const parsed = typeof value === "string" ? parse(value) : value;
  if (typeof parsed !== "object" || parsed === null) throw garbled(format);
  return parsed as Record<string, unknown>;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // What JSON.parse says of a text quotes it.
    throw garbled(format);
  }
}

function bytesOf(value: unknown): Buffer {
  if (typeof value !== "string") throw garbled(format);
  return fromBase64(value, format);
}
