import { createRemoteJWKSet, type JWTPayload, jwtVerify } from "jose";
import type { RunningService } from "../support/service.ts";
import { audience } from "../support/services.ts";

/** Verifies access tokens as any service would that knows nothing but where the keys are. */
export class OutsideVerifier {
  readonly #keys: ReturnType<typeof createRemoteJWKSet>;
  readonly #issuer: string;

  /** @param maxAgeMs how long it keeps the keys */
  constructor({ httpUrl }: RunningService, maxAgeMs: number, issuer = "https://auth.test") {
    this.#issuer = issuer;
    this.#keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", httpUrl), {
      cacheMaxAge: maxAgeMs,
      cooldownDuration: maxAgeMs,
      timeoutDuration: 15_000,
    });
  }

  /** @throws JOSEError, whose `code` says what is wrong */
  async verify(token: string): Promise<JWTPayload> {
    const { payload } = await jwtVerify(token, this.#keys, {
      issuer: this.#issuer,
      audience,
      typ: "at+jwt",
      algorithms: ["ES256", "EdDSA"],
    });
    return payload;
  }

  /** The key ids that it keeps. */
  get kids(): readonly (string | undefined)[] {
    return this.#keys.jwks()?.keys.map(({ kid }) => kid) ?? [];
  }
}

/** The header of a token, unverified. */
export function kidOf(token: string): string {
  return JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()).kid;
}

/** The claims of a token, unverified. */
export function claimsOf(token: string): JWTPayload {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}
