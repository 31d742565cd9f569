import { randomUUID } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { Config } from "./config/config.ts";
import { AuditEvents } from "./domain/audit/event.ts";
import type { EventCursors } from "./domain/audit/event-cursors.ts";
import { EventFeed } from "./domain/audit/event-feed.ts";
import { EventService } from "./domain/audit/event-service.ts";
import { Callers } from "./domain/caller/callers.ts";
import { Policy } from "./domain/caller/policy.ts";
import type { ServiceAccountKeys } from "./domain/caller/service-account-keys.ts";
import { ServiceAccountService } from "./domain/caller/service-account-service.ts";
import { AuthenticationService } from "./domain/credential/authentication-service.ts";
import type { BreachedPasswords } from "./domain/credential/breached-passwords.ts";
import { nameWords } from "./domain/credential/own-words.ts";
import { PasswordRules } from "./domain/credential/password-rules.ts";
import type { PageTokens } from "./domain/page-tokens.ts";
import { Mutations } from "./domain/request/mutations.ts";
import { Secret } from "./domain/secret.ts";
import type { RefreshTokens } from "./domain/session/refresh-tokens.ts";
import { SessionService } from "./domain/session/session-service.ts";
import { KeyRing } from "./domain/signing-key/key-ring.ts";
import type { SigningKeyPairs } from "./domain/signing-key/signing-key.ts";
import { KnownDevices } from "./domain/throttle/known-devices.ts";
import { Lockouts } from "./domain/throttle/lockouts.ts";
import { SignInAttempts } from "./domain/throttle/sign-in-attempts.ts";
import { SessionStatuses } from "./domain/token/session-statuses.ts";
import { TokenIssuer } from "./domain/token/token-issuer.ts";
import { TokenService } from "./domain/token/token-service.ts";
import { UserTransferService } from "./domain/transfer/user-transfer-service.ts";
import { UserService } from "./domain/user/user-service.ts";
import { AesEventCursors } from "./infrastructure/crypto/aes-event-cursors.ts";
import { AesPageTokens } from "./infrastructure/crypto/aes-page-tokens.ts";
import { Argon2PasswordHasher, unitMsOf } from "./infrastructure/crypto/argon2-password-hasher.ts";
import { HashPool } from "./infrastructure/crypto/hash-pool.ts";
import { HmacRefreshTokens } from "./infrastructure/crypto/hmac-refresh-tokens.ts";
import { HmacServiceAccountKeys } from "./infrastructure/crypto/hmac-service-account-keys.ts";
import { JwtAccessTokens } from "./infrastructure/crypto/jwt-access-tokens.ts";
import { keyedDigest } from "./infrastructure/crypto/keyed-digest.ts";
import { RandomDeviceTokens } from "./infrastructure/crypto/random-device-tokens.ts";
import { sha256Fingerprint } from "./infrastructure/crypto/sha256-fingerprint.ts";
import { NodeSigningKeyPairs } from "./infrastructure/crypto/signing-key-pairs.ts";
import { loadWrappingKeys } from "./infrastructure/crypto/wrapping-key-source.ts";
import type { Database } from "./infrastructure/db/open-database.ts";
import { sharedSecret } from "./infrastructure/db/shared-secret.ts";
import { CommonPasswordList } from "./infrastructure/passwords/common-password-list.ts";
import type { Logger } from "./infrastructure/process/logger.ts";
import { StartError } from "./infrastructure/process/start-error.ts";
import { toAscii } from "./infrastructure/text/idna.ts";
import { Sidecars } from "./infrastructure/tls/sidecars.ts";
import type { RelationalRepository } from "./interfaces/relationaldb/relational-repository.ts";

/** The dependencies of the services. */
export interface ServiceParts {
  readonly config: Config;
  readonly repository: RelationalRepository;
  readonly pageTokens: PageTokens;
  readonly eventCursors: EventCursors;
  readonly refreshTokens: RefreshTokens;
  /** Selects the decoy costs of unknown names (`DecoyHashes`). */
  readonly decoyKey: Secret<Buffer>;
  readonly signingKeyPairs: SigningKeyPairs;
  readonly serviceAccountKeys: ServiceAccountKeys;
  /** A keyed digest of names without a user. */
  readonly nameDigest: (name: string) => string;
  /** A keyed digest of imported rows. */
  readonly importDigest: (row: string) => string;
  /** The current policy. If absent, the built-in roles apply. */
  readonly policy?: (() => Policy) | undefined;
  /** Undefined if new passwords are not checked against breached ones. */
  readonly breachedPasswords: BreachedPasswords | undefined;
  readonly logger: Pick<Logger, "warn">;
}

/**
 * Opens what the wrapping keys protect: the secrets that all instances on one database share, and the signing keys.
 * @throws StartError if a secret cannot be opened
 */
export async function openSecrets(config: Config, { pool }: Database) {
  const wrappingKeys = await loadWrappingKeys(config.wrappingKeys);
  try {
    const [forPages, forRefreshes, forKeys, decoyKey, forAttempts, forImports] = await Promise.all([
      sharedSecret(pool, wrappingKeys, "page-tokens"),
      sharedSecret(pool, wrappingKeys, "refresh-tokens"),
      sharedSecret(pool, wrappingKeys, "service-account-keys"),
      sharedSecret(pool, wrappingKeys, "stand-ins"),
      sharedSecret(pool, wrappingKeys, "attempts"),
      sharedSecret(pool, wrappingKeys, "imports"),
    ]);
    return {
      pageTokens: new AesPageTokens(forPages),
      eventCursors: new AesEventCursors(forPages),
      refreshTokens: new HmacRefreshTokens(forRefreshes),
      serviceAccountKeys: new HmacServiceAccountKeys(forKeys),
      decoyKey: new Secret(decoyKey),
      nameDigest: keyedDigest(forAttempts),
      importDigest: keyedDigest(forImports),
      signingKeyPairs: new NodeSigningKeyPairs(wrappingKeys),
    };
  } catch (error) {
    throw new StartError(`cannot decrypt the secrets in the database: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Creates all domain services, wired by hand. */
export function createServices(parts: ServiceParts) {
  const { config, repository, pageTokens, refreshTokens, breachedPasswords, logger } = parts;
  const { argon2, hashPool, issuer, audiences, signing, sessionLimits } = config;
  const newId = randomUUID;
  const monotonicMs = () => performance.now();
  const pool = new HashPool({ ...hashPool, unitMs: unitMsOf(argon2) });
  const hasher = new Argon2PasswordHasher(pool, argon2, parts.decoyKey.reveal(), config.importLimits);
  const mutations = new Mutations(repository, hasher, sha256Fingerprint, newId);
  const passwordRules = new PasswordRules({
    policy: config.passwordPolicy,
    common: new CommonPasswordList(),
    serviceWords: nameWords(["auth", new URL(issuer).hostname]),
    breachCheck: breachedPasswords && { breached: breachedPasswords, onFailure: config.onBreachCheckFailure },
    onCheckFailure: (err) => logger.warn({ err }, "breached-password check failed"),
  });
  const accessTokens = new JwtAccessTokens();
  const events = new AuditEvents(newId, config.eventRetentionMs);
  const keyRing = new KeyRing({
    repository,
    pairs: parts.signingKeyPairs,
    algorithm: signing.algorithm,
    schedule: signing,
    events,
    newId,
    monotonicMs,
  });
  const tokenIssuer = new TokenIssuer({
    issuer,
    accessTokenLifetimeMs: signing.tokenLifetimeMs,
    accessTokens,
    refreshTokens,
    keyRing,
    newId,
  });
  const policy = parts.policy ?? (() => Policy.builtIn);
  const sidecars = new Sidecars(config.callers.sidecars);
  const callers = new Callers({
    repository,
    keys: parts.serviceAccountKeys,
    policy,
    rules: { ...config.callers, isSidecar: (peer) => sidecars.includes(peer) },
    now: Date.now,
    monotonicMs,
  });
  const statuses = new SessionStatuses(repository, monotonicMs);
  const shared = {
    repository,
    mutations,
    hasher,
    passwordRules,
    pageTokens,
    toAscii,
    events,
    statuses,
    newId,
  };
  const attempts = new SignInAttempts({
    repository,
    events,
    limits: config.attempts,
    digest: parts.nameDigest,
    newId,
  });
  const devices = new KnownDevices({
    repository,
    tokens: new RandomDeviceTokens(),
    newId,
    onFailure: (err) => logger.warn({ err }, "remembering a device failed"),
  });
  return {
    mutations,
    attempts,
    devices,
    lockouts: new Lockouts(shared),
    keyRing,
    callers,
    serviceAccounts: new ServiceAccountService({
      ...shared,
      keys: parts.serviceAccountKeys,
      policy,
      onChange: () => callers.forget(),
    }),
    users: new UserService(shared),
    transfers: new UserTransferService({
      ...shared,
      passwordHashes: hasher,
      fingerprint: sha256Fingerprint,
      digest: parts.importDigest,
      nextTurn: setImmediate,
    }),
    authentication: new AuthenticationService({
      ...shared,
      attempts,
      devices,
      audiences,
      sessionLimits,
      issuer: tokenIssuer,
      onRehashFailure: (err) => logger.warn({ err }, "rehashing a password failed"),
    }),
    sessions: new SessionService({
      ...shared,
      limits: sessionLimits,
      issuer: tokenIssuer,
      refreshTokens,
      onReuse: ({ id, userId }) =>
        logger.warn({ sessionId: id, userId }, "refresh token reused: session ended"),
    }),
    tokens: new TokenService({
      issuer,
      audiences,
      accessTokens,
      keyRing,
      statuses,
      nextTurn: setImmediate,
    }),
    events: new EventService({
      repository,
      feed: new EventFeed(repository),
      pageTokens,
      cursors: parts.eventCursors,
      monotonicMs,
    }),
  };
}
