import { randomBytes } from "node:crypto";
import { loadConfig } from "../../src/config/config.ts";
import type { BreachedPasswords } from "../../src/domain/credential/breached-passwords.ts";
import { Secret } from "../../src/domain/secret.ts";
import { AesEventCursors } from "../../src/infrastructure/crypto/aes-event-cursors.ts";
import { AesPageTokens } from "../../src/infrastructure/crypto/aes-page-tokens.ts";
import { HmacRefreshTokens } from "../../src/infrastructure/crypto/hmac-refresh-tokens.ts";
import { HmacServiceAccountKeys } from "../../src/infrastructure/crypto/hmac-service-account-keys.ts";
import { keyedDigest } from "../../src/infrastructure/crypto/keyed-digest.ts";
import { NodeSigningKeyPairs } from "../../src/infrastructure/crypto/signing-key-pairs.ts";
import { WrappingKeys } from "../../src/infrastructure/crypto/wrapping-keys.ts";
import type { RelationalRepository } from "../../src/interfaces/relationaldb/relational-repository.ts";
import { createServices } from "../../src/services.ts";

/** Costs next to nothing: what a test is about is seldom the hash. */
export const cheapArgon2 = { memoryKib: 64, iterations: 1, parallelism: 1 };

export const password = "correct horse battery staple";
export const otherPassword = "wrong donkey battery staple";

/** Who the access tokens of a service without configuration are for. */
export const audience = "development";

/** The domain services on a repository, with real hashes that are cheap, and what they have warned of. */
export function servicesOn(
  repository: RelationalRepository,
  argon2 = cheapArgon2,
  environment: Record<string, string> = {},
  breachedPasswords: BreachedPasswords | undefined = undefined,
) {
  const warnings: { readonly fields: Record<string, unknown>; readonly message: string }[] = [];
  const services = createServices({
    config: {
      ...loadConfig(environment),
      argon2,
      hashPool: { concurrency: 2, queueLimit: 1_000, memoryKib: 262_144 },
    },
    repository,
    pageTokens: new AesPageTokens(randomBytes(32)),
    eventCursors: new AesEventCursors(randomBytes(32)),
    refreshTokens: new HmacRefreshTokens(randomBytes(32)),
    serviceAccountKeys: new HmacServiceAccountKeys(randomBytes(32)),
    decoyKey: new Secret(randomBytes(32)),
    nameDigest: keyedDigest(randomBytes(32)),
    importDigest: keyedDigest(randomBytes(32)),
    signingKeyPairs: new NodeSigningKeyPairs(WrappingKeys.parse(randomBytes(32).toString("base64"))),
    breachedPasswords,
    logger: {
      warn: (fields: object, message?: string) =>
        void warnings.push({ fields: { ...fields }, message: message ?? "" }),
    },
  });
  return { ...services, warnings };
}
