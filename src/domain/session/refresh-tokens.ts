/** What a refresh token stands for: one generation of one session. */
export interface RefreshGrant {
  /** Lower-case UUID. */
  readonly sessionId: string;
  /** 1 for the token that the sign-in answered, one more after every refresh. */
  readonly generation: number;
}

/**
 * Makes refresh tokens and reads them. A token is derived from its grant under a key that no database holds in plain: equal
 * grants have equal tokens, so a lost answer can be given again, and nobody can make one from what is stored.
 */
export interface RefreshTokens {
  seal(grant: RefreshGrant): string;
  /** The grant, or undefined where the token is not one of ours. */
  open(token: string): RefreshGrant | undefined;
}
