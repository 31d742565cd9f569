import type { SigningKey } from "../../domain/signing-key/signing-key.ts";
import type { AccessTokenClaims, AccessTokens, ReadAccessToken } from "../../domain/token/access-tokens.ts";
import { signJws, verifyJws } from "./jws-signatures.ts";
import { keyPairOf } from "./signing-key-pairs.ts";

const maxLength = 4096;

export interface JwtAccessTokensOptions {
  /** Maximum number of verified tokens to remember (default 4,096; 0 for none). */
  readonly memorySize?: number;
}

interface Verified {
  readonly key: SigningKey;
  readonly answer: ReadAccessToken;
}

/**
 * Access tokens as signed JSON Web Tokens (RFC 7515 compact, RFC 9068). Reads only what `sign` writes: a token's
 * header and payload must equal, byte for byte, the text that this code produces from the key and the claims. So each
 * token has exactly one text, and no rule of RFC 8725 about algorithms, key locations, extensions or duplicate
 * members is left to a parser.
 *
 * Verified tokens are remembered, because checking a signature costs more than everything else. The caller must check
 * expiry. If the caller no longer passes a token's key, the remembered result is not used.
 */
export class JwtAccessTokens implements AccessTokens {
  /** By the complete token, least recently used first. */
  readonly #verified = new Map<string, Verified>();
  readonly #memorySize: number;

  constructor({ memorySize = 4096 }: JwtAccessTokensOptions = {}) {
    this.#memorySize = memorySize;
  }

  /** @throws TypeError or RangeError if `read` would not accept a token with these claims */
  sign(claims: AccessTokenClaims, key: SigningKey): string {
    const issued = claimsOf(claims);
    if (!issued) throw new TypeError("the claims are not those of an access token");
    const input = `${headerOf(key)}.${toPart(issued)}`;
    const signature = signJws(key.algorithm, keyPairOf(key).privateKey, Buffer.from(input));
    const token = `${input}.${signature.toString("base64url")}`;
    if (token.length > maxLength)
      throw new RangeError(`the access token is longer than ${maxLength} characters`);
    return token;
  }

  read(token: string, keys: ReadonlyMap<string, SigningKey>): ReadAccessToken | undefined {
    if (typeof token !== "string" || token.length > maxLength) return undefined;
    const known = this.#verified.get(token);
    if (known) {
      this.#verified.delete(token);
      // Compared by identity: a retired or replaced key is no longer valid.
      if (keys.get(known.key.id) === known.key) {
        this.#verified.set(token, known);
        return known.answer;
      }
    }
    const verified = verify(token, keys);
    if (verified) this.#remember(token, verified);
    return verified?.answer;
  }

  #remember(token: string, verified: Verified): void {
    this.#verified.set(token, verified);
    if (this.#verified.size <= this.#memorySize) return;
    for (const oldest of this.#verified.keys()) {
      this.#verified.delete(oldest);
      return;
    }
  }
}

function verify(token: string, keys: ReadonlyMap<string, SigningKey>): Verified | undefined {
  const [header = "", payload = "", signature = "", ...more] = token.split(".", 4);
  if (more.length > 0) return undefined;
  const key = keyNamedIn(header, keys);
  // Only the key ID is taken from the header: the algorithm is that of the key.
  if (!key || header !== headerOf(key)) return undefined;
  const signatureBytes = Buffer.from(signature, "base64url");
  if (signatureBytes.toString("base64url") !== signature) return undefined;
  const input = Buffer.from(`${header}.${payload}`);
  if (!verifyJws(key.algorithm, keyPairOf(key).publicKey, input, signatureBytes)) return undefined;
  const claims = claimsOf(fromPart(payload));
  if (!claims || toPart(claims) !== payload) return undefined;
  // Frozen, because all readers of this token share it.
  return { key, answer: Object.freeze({ claims: Object.freeze(claims), keyId: key.id }) };
}

function keyNamedIn(header: string, keys: ReadonlyMap<string, SigningKey>): SigningKey | undefined {
  const kid = fromPart(header)?.["kid"];
  return typeof kid === "string" ? keys.get(kid) : undefined;
}

/** The only valid header for tokens of a key (RFC 9068 §2.1). */
function headerOf({ algorithm, id }: SigningKey): string {
  return toPart({ alg: algorithm, typ: "at+jwt", kid: id });
}

/**
 * The claims in the order in which they are written, without any others; undefined if one is missing or has a wrong
 * type.
 */
function claimsOf(given: Partial<Record<keyof AccessTokenClaims, unknown>> | undefined) {
  if (!given) return undefined;
  const { iss, sub, aud, exp, iat, jti, client_id, sid } = given;
  if (!isText(iss) || !isText(sub) || !isText(aud) || !isTime(exp) || !isTime(iat)) return undefined;
  if (!isText(jti) || !isText(client_id) || !isText(sid)) return undefined;
  return { iss, sub, aud, exp, iat, jti, client_id, sid } satisfies AccessTokenClaims;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** A NumericDate (RFC 7519 §2) in whole seconds. */
function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function toPart(members: object): string {
  return Buffer.from(JSON.stringify(members)).toString("base64url");
}

/**
 * The JSON object that a part encodes, if any. Node ignores invalid base64url characters, so the caller must compare
 * the result with the text.
 */
function fromPart(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
