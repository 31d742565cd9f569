/** The content of a refresh token: one generation of one session. */
export interface RefreshGrant {
  /** Lower-case UUID. */
  readonly sessionId: string;
  /** 1 for the token that the sign-in returned, incremented by every refresh. */
  readonly generation: number;
}

/**
 * Creates and parses refresh tokens. A token is derived from its grant with a key that no database holds in plain text.
 * Equal grants have equal tokens, so a lost response can be repeated. Stored data does not suffice to create a token.
 */
export interface RefreshTokens {
  seal(grant: RefreshGrant): string;
  /** The grant, or undefined if this service did not issue the token. */
  open(token: string): RefreshGrant | undefined;
}
