import { randomBytes, randomUUID } from "node:crypto";
import type { SigningAlgorithm, SigningKey } from "../../../src/domain/signing-key/signing-key.ts";
import type { AccessTokenClaims } from "../../../src/domain/token/access-tokens.ts";
import { NodeSigningKeyPairs } from "../../../src/infrastructure/crypto/signing-key-pairs.ts";
import { WrappingKeys } from "../../../src/infrastructure/crypto/wrapping-keys.ts";

/** The text of a new wrapping key. */
export const newWrappingKey = () => randomBytes(32).toString("base64");

const pairs = new NodeSigningKeyPairs(WrappingKeys.parse(newWrappingKey()));

/** A new signing key, ready for use. */
export function openedSigningKey(algorithm: SigningAlgorithm, id: string = randomUUID()): SigningKey {
  const now = new Date();
  return pairs.open({
    id,
    sequence: 1,
    algorithm,
    ...pairs.generate(id, algorithm),
    createTime: now,
    activateTime: now,
  });
}

/** The claims of a new access token. */
export const newClaims = (): AccessTokenClaims => ({
  iss: "https://auth.example",
  sub: randomUUID(),
  aud: "orders",
  exp: 1_900_000_300,
  iat: 1_900_000_000,
  jti: randomUUID(),
  client_id: "shop",
  sid: randomUUID(),
});

/** Keys as `AccessTokens.read` takes them. */
export function keysById(...keys: SigningKey[]): ReadonlyMap<string, SigningKey> {
  return new Map(keys.map((key) => [key.id, key]));
}
