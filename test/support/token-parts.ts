import { randomBytes, randomUUID } from "node:crypto";
import { KeyRing, type KeySchedule } from "../../src/domain/signing-key/key-ring.ts";
import { SessionStatuses } from "../../src/domain/token/session-statuses.ts";
import { TokenIssuer } from "../../src/domain/token/token-issuer.ts";
import { TokenService } from "../../src/domain/token/token-service.ts";
import { HmacRefreshTokens } from "../../src/infrastructure/crypto/hmac-refresh-tokens.ts";
import { JwtAccessTokens } from "../../src/infrastructure/crypto/jwt-access-tokens.ts";
import { NodeSigningKeyPairs } from "../../src/infrastructure/crypto/signing-key-pairs.ts";
import { WrappingKeys } from "../../src/infrastructure/crypto/wrapping-keys.ts";
import type { SessionSnapshot } from "../../src/interfaces/relationaldb/session-repository.ts";
import { aProfile } from "../contract/user-profiles.ts";
import { aCall } from "./calls.ts";
import { client } from "./clocked-services.ts";
import { type Clocks, day, hour, minute } from "./clocks.ts";
import { anEvent, auditEvents } from "./events.ts";
import type { InMemoryRepository } from "./in-memory-repository.ts";

export const issuer = "https://auth.test";

export const schedule: KeySchedule = {
  rotationMs: 30 * day,
  maxAgeMs: 5 * minute,
  tokenLifetimeMs: 5 * minute,
};

export const limits = { idleMs: hour, absoluteMs: 3 * hour, leewayMs: 0, perUser: 100 };

/** The text of a new wrapping key. */
export const newWrappingKey = () => randomBytes(32).toString("base64");

const sharedWrappingKey = newWrappingKey();

export interface RingOptions {
  readonly schedule?: KeySchedule;
  /** One or more, the current first; the same for all rings where nothing else is said. */
  readonly wrappingKeys?: string;
}

/** The keys as one process on a database knows them. */
export function aKeyRing(
  repository: InMemoryRepository,
  clocks: Pick<Clocks, "monotonicMs">,
  { schedule: times = schedule, wrappingKeys = sharedWrappingKey }: RingOptions = {},
): KeyRing {
  return new KeyRing({
    repository,
    pairs: new NodeSigningKeyPairs(WrappingKeys.parse(wrappingKeys)),
    algorithm: "EdDSA",
    schedule: times,
    events: auditEvents,
    newId: randomUUID,
    monotonicMs: clocks.monotonicMs,
  });
}

/** What makes and checks tokens in one process, by a test's clocks. */
export function tokenParts(
  repository: InMemoryRepository,
  clocks: Clocks,
  keyRing = aKeyRing(repository, clocks),
) {
  const accessTokens = new JwtAccessTokens();
  const refreshTokens = new HmacRefreshTokens(randomBytes(32));
  const turns = { count: 0 };
  return {
    keyRing,
    accessTokens,
    refreshTokens,
    issuer: new TokenIssuer({
      issuer,
      accessTokenLifetimeMs: schedule.tokenLifetimeMs,
      accessTokens,
      refreshTokens,
      keyRing,
      newId: randomUUID,
    }),
    tokens: new TokenService({
      issuer,
      audiences: new Set(["orders", "bills"]),
      accessTokens,
      keyRing,
      statuses: new SessionStatuses(repository, clocks.monotonicMs),
      nextTurn: async () => void turns.count++,
    }),
    /** How often others got a turn. */
    turns,
  };
}

/** A session of a user who has just been made, or of the one that is given, with nothing hashed. */
export async function aSession(
  repository: InMemoryRepository,
  changes: { userId?: string; audience?: string; absoluteMs?: number } = {},
): Promise<SessionSnapshot> {
  const { userId = randomUUID(), audience = "orders", absoluteMs = limits.absoluteMs } = changes;
  const passwordHash = "hash";
  if (changes.userId === undefined) {
    await repository.transaction(aCall(), async ({ users, credentials }) => {
      await users.insert(userId, aProfile());
      await credentials.put(userId, passwordHash);
    });
  }
  const session = { id: randomUUID(), userId, caller: "test", audience, client, passwordHash };
  const { sessions } = repository.statement(aCall());
  const begun = await sessions.begin(session, { ...limits, absoluteMs }, anEvent({ userId }));
  if (begun === undefined) throw new Error("the session has not begun");
  return begun;
}
