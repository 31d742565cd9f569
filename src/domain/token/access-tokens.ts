import type { SigningKey } from "../signing-key/signing-key.ts";

/** The claims of an access token (RFC 9068 §2.2). Times are NumericDates: whole seconds since 1970 (RFC 7519 §2). */
export interface AccessTokenClaims {
  readonly iss: string;
  /** User ID (UUID). */
  readonly sub: string;
  readonly aud: string;
  readonly exp: number;
  readonly iat: number;
  /** Token ID (UUID). */
  readonly jti: string;
  readonly client_id: string;
  /** Session ID (UUID). */
  readonly sid: string;
}

/**
 * Signs and reads access tokens: JSON Web Tokens of type `at+jwt` (RFC 9068), with the checks of RFC 8725. Both methods
 * are synchronous: they wait neither for a thread nor for the database.
 */
export interface AccessTokens {
  /** Signs claims with a key. */
  sign(claims: AccessTokenClaims, key: SigningKey): string;

  /**
   * The claims and key ID of a well-formed token that one of `keys` has signed; undefined for anything else. Does not
   * check expiry, issuer, audience or session.
   */
  read(token: string, keys: ReadonlyMap<string, SigningKey>): ReadAccessToken | undefined;
}

export interface ReadAccessToken {
  readonly claims: AccessTokenClaims;
  readonly keyId: string;
}
