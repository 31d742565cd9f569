import type { SigningKey } from "../signing-key/signing-key.ts";

/** The claims of an access token (RFC 9068 §2.2). Times are NumericDates: whole seconds since 1970 (RFC 7519 §2). */
export interface AccessTokenClaims {
  readonly iss: string;
  /** UUID of the user. */
  readonly sub: string;
  readonly aud: string;
  readonly exp: number;
  readonly iat: number;
  /** UUID of the token. */
  readonly jti: string;
  readonly client_id: string;
  /** UUID of the session. */
  readonly sid: string;
}

/**
 * Makes and reads access tokens: JSON Web Tokens of type `at+jwt` (RFC 9068), with the checks of RFC 8725. Neither waits
 * for anything: not for a thread, not for the database.
 */
export interface AccessTokens {
  /** Signs claims by a key. */
  sign(claims: AccessTokenClaims, key: SigningKey): string;

  /**
   * The claims of a token that one of `keys` has signed and that has the form of ours, with the key's id; undefined for
   * everything else. Whether it has expired, is for us, or its session has ended is not looked at.
   */
  read(token: string, keys: ReadonlyMap<string, SigningKey>): ReadAccessToken | undefined;
}

export interface ReadAccessToken {
  readonly claims: AccessTokenClaims;
  readonly keyId: string;
}
