import type { SessionSnapshot } from "../../interfaces/relationaldb/session-repository.ts";
import type { Call } from "../call.ts";
import { Secret } from "../secret.ts";
import type { RefreshTokens } from "../session/refresh-tokens.ts";
import type { KeyRing } from "../signing-key/key-ring.ts";
import type { AccessTokens } from "./access-tokens.ts";

/** The tokens of a session, returned by a sign-in or a refresh. */
export interface Tokens {
  readonly accessToken: Secret;
  readonly accessTokenExpireTime: Date;
  readonly refreshToken: Secret;
  readonly refreshTokenExpireTime: Date;
}

/** Issues the tokens of sessions. */
export class TokenIssuer {
  readonly #issuer: string;
  readonly #accessTokenLifetimeMs: number;
  readonly #accessTokens: AccessTokens;
  readonly #refreshTokens: RefreshTokens;
  readonly #keyRing: KeyRing;
  readonly #newId: () => string;

  constructor(dependencies: {
    issuer: string;
    accessTokenLifetimeMs: number;
    accessTokens: AccessTokens;
    refreshTokens: RefreshTokens;
    keyRing: KeyRing;
    newId: () => string;
  }) {
    this.#issuer = dependencies.issuer;
    this.#accessTokenLifetimeMs = dependencies.accessTokenLifetimeMs;
    this.#accessTokens = dependencies.accessTokens;
    this.#refreshTokens = dependencies.refreshTokens;
    this.#keyRing = dependencies.keyRing;
    this.#newId = dependencies.newId;
  }

  /** Ensures that tokens can be signed, before anything changes. */
  async prepare(call: Call): Promise<void> {
    await this.#keyRing.reloadIfStale(call);
  }

  /**
   * Issues tokens for a session at a moment of the database's clock. The same generation always gets the same refresh
   * token.
   */
  issue({ session, time }: SessionSnapshot): Tokens {
    const expireTime = Math.min(time.getTime() + this.#accessTokenLifetimeMs, session.expireTime.getTime());
    const exp = wholeSeconds(expireTime);
    const claims = {
      iss: this.#issuer,
      sub: session.userId,
      aud: session.audience,
      exp,
      iat: wholeSeconds(time.getTime()),
      jti: this.#newId(),
      client_id: session.client.id,
      sid: session.id,
    };
    return {
      accessToken: new Secret(this.#accessTokens.sign(claims, this.#keyRing.signingAt(time.getTime()))),
      accessTokenExpireTime: new Date(exp * 1_000),
      refreshToken: new Secret(
        this.#refreshTokens.seal({ sessionId: session.id, generation: session.generation }),
      ),
      refreshTokenExpireTime: session.idleExpireTime,
    };
  }
}

function wholeSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1_000);
}
