import type { Tokens } from "../../src/domain/token/token-issuer.ts";

/** The tokens of a session as texts, to be compared: two Secrets look the same to every matcher. */
export function revealed(tokens: Tokens) {
  return {
    ...tokens,
    accessToken: tokens.accessToken.reveal(),
    refreshToken: tokens.refreshToken.reveal(),
  };
}
