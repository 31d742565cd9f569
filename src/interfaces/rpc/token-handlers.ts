import { create } from "@bufbuild/protobuf";
import {
  type Duration,
  durationFromMs,
  durationMs,
  timestampFromDate,
  timestampFromMs,
} from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { Secret } from "../../domain/secret.ts";
import type { KeyRing } from "../../domain/signing-key/key-ring.ts";
import type { AccessTokenClaims } from "../../domain/token/access-tokens.ts";
import { jwksOf } from "../../domain/token/jwks.ts";
import type { TokenService } from "../../domain/token/token-service.ts";
import {
  type IntrospectTokenResponse,
  IntrospectTokenResponseSchema,
  type TokenService as TokenServiceDesc,
} from "../../gen/auth/v1/token_service_pb.ts";
import { emptyToUndefined } from "./empty-to-undefined.ts";
import { toCall } from "./rpc-call.ts";

/** Handlers of auth.v1.TokenService. */
export function tokenHandlers(tokens: TokenService, keyRing: KeyRing): ServiceImpl<typeof TokenServiceDesc> {
  return {
    async introspectToken({ token, audience, maxStaleness }, context) {
      const asked = { audience: emptyToUndefined(audience), maxStalenessMs: milliseconds(maxStaleness) };
      return toIntrospection(await tokens.introspect(toCall(context), new Secret(token), asked));
    },

    async batchIntrospectTokens({ tokens: texts, audience, maxStaleness }, context) {
      const asked = { audience: emptyToUndefined(audience), maxStalenessMs: milliseconds(maxStaleness) };
      const secrets = texts.map((text) => new Secret(text));
      return {
        results: (await tokens.batchIntrospect(toCall(context), secrets, asked)).map(toIntrospection),
      };
    },

    async getJwks(_request, context) {
      await keyRing.tryReload(toCall(context));
      const keys = jwksOf(keyRing.published()).map(({ y = "", ...key }) => ({ ...key, y }));
      return { keys, maxAge: durationFromMs(keyRing.maxAgeMs) };
    },

    async revokeSigningKey({ kid }, context) {
      const { revokeTime, signing } = await keyRing.revoke(toCall(context), kid.toLowerCase());
      return { revokeTime: timestampFromDate(revokeTime), signingKid: signing.id };
    },
  };
}

const inactive = Object.freeze(create(IntrospectTokenResponseSchema, { active: false }));
/** Cached, because remembered claims are often introspected again. */
const answers = new WeakMap<AccessTokenClaims, IntrospectTokenResponse>();

function toIntrospection(claims: AccessTokenClaims | undefined): IntrospectTokenResponse {
  if (claims === undefined) return inactive;
  const known = answers.get(claims);
  if (known !== undefined) return known;
  const answer = create(IntrospectTokenResponseSchema, {
    active: true,
    claims: {
      issuer: claims.iss,
      subject: claims.sub,
      audience: claims.aud,
      expireTime: timestampFromMs(claims.exp * 1_000),
      issueTime: timestampFromMs(claims.iat * 1_000),
      tokenId: claims.jti,
      clientId: claims.client_id,
      sessionId: claims.sid,
    },
  });
  answers.set(claims, Object.freeze(answer));
  return answer;
}

function milliseconds(duration: Duration | undefined): number {
  return duration === undefined ? 0 : durationMs(duration);
}
