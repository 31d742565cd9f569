import type { SigningKey } from "../../domain/signing-key/signing-key.ts";
import type { AccessTokenClaims, AccessTokens, ReadAccessToken } from "../../domain/token/access-tokens.ts";
import { signJws, verifyJws } from "./jws-signatures.ts";
import { keyPairOf } from "./signing-key-pairs.ts";

const maxLength = 4096;

export interface JwtAccessTokensOptions {
  /** How many tokens are remembered as verified; 4,096 where not given, 0 for none. */
  readonly memorySize?: number;
}

interface Verified {
  readonly key: SigningKey;
  readonly answer: ReadAccessToken;
}

/**
 * Access tokens as signed JSON Web Tokens (RFC 7515 compact, RFC 9068). Only what `sign` writes is read: a token's header
 * and payload must be, byte for byte, the text that this code makes of the key and of the claims. So there is one text for
 * one token, and no rule of RFC 8725 about algorithms, key locations, extensions or doubled members is left to a parser.
 *
 * Tokens that were verified are remembered, as a signature costs more to check than all the rest. Expiry is the caller's to
 * look at; a key that the caller no longer gives is not taken from memory.
 */
export class JwtAccessTokens implements AccessTokens {
  /** By the whole token, the one that was not used for longest first. */
  readonly #verified = new Map<string, Verified>();
  readonly #memorySize: number;

  constructor({ memorySize = 4096 }: JwtAccessTokensOptions = {}) {
    this.#memorySize = memorySize;
  }

  /** @throws TypeError or RangeError for claims that make no token that `read` takes */
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
      // The very object: a key that was retired or replaced counts no longer.
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
  // Nothing else is taken from the header: its algorithm is the key's.
  if (!key || header !== headerOf(key)) return undefined;
  const signatureBytes = Buffer.from(signature, "base64url");
  if (signatureBytes.toString("base64url") !== signature) return undefined;
  const input = Buffer.from(`${header}.${payload}`);
  if (!verifyJws(key.algorithm, keyPairOf(key).publicKey, input, signatureBytes)) return undefined;
  const claims = claimsOf(fromPart(payload));
  if (!claims || toPart(claims) !== payload) return undefined;
  // Shared by all who ask for this token.
  return { key, answer: Object.freeze({ claims: Object.freeze(claims), keyId: key.id }) };
}

function keyNamedIn(header: string, keys: ReadonlyMap<string, SigningKey>): SigningKey | undefined {
  const kid = fromPart(header)?.["kid"];
  return typeof kid === "string" ? keys.get(kid) : undefined;
}

/** The one header of the tokens of a key (RFC 9068 §2.1). */
function headerOf({ algorithm, id }: SigningKey): string {
  return toPart({ alg: algorithm, typ: "at+jwt", kid: id });
}

/** The claims in the order in which they are written, and no others; undefined where one is missing or of another type. */
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

/** The object that a part stands for, if any. Node reads over what is not base64url: that is for the caller to compare. */
function fromPart(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
