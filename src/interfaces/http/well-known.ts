import { ownCall } from "../../domain/call.ts";
import type { KeyRing } from "../../domain/signing-key/key-ring.ts";
import { jwksOf } from "../../domain/token/jwks.ts";

/** A document served over HTTP. */
export interface WellKnownDocument {
  readonly contentType: string;
  readonly body: string;
  /** How long it may be cached, in seconds. */
  readonly maxAgeSeconds: number;
}

/**
 * The documents under /.well-known, by path: the keys (RFC 7517), and the metadata by which verifiers find them (OpenID
 * Connect Discovery 1.0 §4, RFC 8414 §3). This service issues tokens only over gRPC, so the metadata names no OAuth
 * endpoints.
 */
export function wellKnownDocuments(
  issuer: string,
  keyRing: KeyRing,
): Map<string, () => Promise<WellKnownDocument>> {
  const maxAgeSeconds = Math.max(1, Math.floor(keyRing.maxAgeMs / 1_000));
  const keys = async () => {
    await keyRing.tryReload(ownCall(freshenMs));
    return {
      contentType: "application/jwk-set+json",
      body: JSON.stringify({ keys: jwksOf(keyRing.published()) }),
      maxAgeSeconds,
    };
  };
  const metadata = JSON.stringify({
    issuer,
    jwks_uri: `${issuer}${jwksPath}`,
    response_types_supported: [],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256", "EdDSA"],
  });
  const discovery = async () => ({ contentType: "application/json", body: metadata, maxAgeSeconds });
  return new Map([
    [jwksPath, keys],
    ["/.well-known/openid-configuration", discovery],
    ["/.well-known/oauth-authorization-server", discovery],
  ]);
}

const jwksPath = "/.well-known/jwks.json";
/** How long a request waits for the database before it is answered with the known keys. */
const freshenMs = 1_000;
