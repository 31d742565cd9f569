import type { PublicJwk, SigningAlgorithm, SigningKey } from "../signing-key/signing-key.ts";

/** A public key of a JSON Web Key Set (RFC 7517 §4). */
export interface JsonWebKey extends PublicJwk {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly use: "sig";
}

/** The keys of a JSON Web Key Set (RFC 7517 §5). Copies members one by one, so that only public members can leave. */
export function jwksOf(keys: readonly SigningKey[]): JsonWebKey[] {
  return keys.map(({ id, algorithm, publicJwk: { kty, crv, x, y } }) => ({
    kid: id,
    kty,
    alg: algorithm,
    use: "sig",
    crv,
    x,
    ...(y === undefined ? {} : { y }),
  }));
}
