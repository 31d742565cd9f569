import { randomBytes, randomUUID } from "node:crypto";
import { AuthenticationService } from "../../src/domain/credential/authentication-service.ts";
import { Mutations } from "../../src/domain/request/mutations.ts";
import { UserService } from "../../src/domain/user/user-service.ts";
import { AesPageTokens } from "../../src/infrastructure/crypto/aes-page-tokens.ts";
import { Argon2PasswordHasher } from "../../src/infrastructure/crypto/argon2-password-hasher.ts";
import { HashPool } from "../../src/infrastructure/crypto/hash-pool.ts";
import { sha256Fingerprint } from "../../src/infrastructure/crypto/sha256-fingerprint.ts";
import { toAscii } from "../../src/infrastructure/idna.ts";
import type { RelationalRepository } from "../../src/interfaces/relationaldb/relational-repository.ts";

/** Costs next to nothing: what a test is about is seldom the hash. */
export const cheapArgon2 = { memoryKib: 64, iterations: 1, parallelism: 1 };

export const password = "correct horse battery staple";
export const otherPassword = "wrong donkey battery staple";

/** The domain services on a repository, with real hashes that are cheap. */
export function servicesOn(repository: RelationalRepository, argon2 = cheapArgon2) {
  const hasher = new Argon2PasswordHasher(new HashPool({ concurrency: 2, queueLimit: 1_000 }), argon2);
  const mutations = new Mutations(repository, hasher, sha256Fingerprint, randomUUID);
  const passwordPolicy = { minLength: 15, maxLength: 256 };
  const rehashFailures: unknown[] = [];
  return {
    users: new UserService({
      repository,
      mutations,
      hasher,
      passwordPolicy,
      pageTokens: new AesPageTokens(randomBytes(32)),
      toAscii,
      newId: randomUUID,
    }),
    authentication: new AuthenticationService({
      repository,
      mutations,
      hasher,
      passwordPolicy,
      toAscii,
      onRehashFailure: (error) => rehashFailures.push(error),
    }),
    rehashFailures,
  };
}
