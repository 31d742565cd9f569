import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ApiClients, grpcClients } from "../support/clients.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Environment, type RunningService, startService } from "../support/service.ts";
import { audience, password } from "../support/services.ts";
import { sharedService } from "../support/shared-service.ts";

const jwksPath = "/.well-known/jwks.json";
const discoveryPaths = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];
const issuer = "https://auth.test";

async function signIn({ users, authentication }: ApiClients, username: string): Promise<string> {
  await users.createUser({ user: { username }, password });
  const { tokens } = await authentication.authenticate({
    identifier: username,
    password,
    audience,
    client: { id: "web" },
  });
  return tokens!.accessToken;
}

/** As a service does that is told the issuer and where it is reached: discovery, then the keys. */
async function verifyByDiscovery({ httpUrl }: RunningService, token: string) {
  const metadata = await (await fetch(`${httpUrl}/.well-known/openid-configuration`)).json();
  const { jwks_uri: jwksUri, issuer } = metadata as { jwks_uri: string; issuer: string };
  const keys = createRemoteJWKSet(new URL(new URL(jwksUri).pathname, httpUrl));
  return jwtVerify(token, keys, { issuer, audience, typ: "at+jwt", algorithms: ["ES256", "EdDSA"] });
}

describe("the documents under /.well-known", () => {
  const shared = sharedService();
  const get = (path: string, init: RequestInit = {}) => fetch(`${shared.running.httpUrl}${path}`, init);

  test.each(["IntrospectToken", "BatchIntrospectTokens"])("%s takes no token in a URL", async (method) => {
    const response = await get(`/auth.v1.TokenService/${method}?connect=v1&encoding=json&message=%7B%7D`);
    expect(response.status).toBe(405);
  });

  test("the key set is JSON that may be kept as long as GetJwks says, and has the same keys", async () => {
    const response = await get(jwksPath);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/jwk-set+json");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    const { keys, maxAge } = await grpcClients(shared.running).tokens.getJwks({});
    expect(response.headers.get("cache-control")).toBe(`public, max-age=${maxAge!.seconds}`);
    const ours = keys.map(({ kid, kty, alg, use, crv, x, y }) => ({ kid, kty, alg, use, crv, x, y }));
    expect(await response.json()).toEqual({ keys: ours });
  });

  test("a key has its public members and no others", async () => {
    const { keys } = (await (await get(jwksPath)).json()) as { keys: Record<string, string>[] };
    expect(keys).toHaveLength(1);
    expect(Object.keys(keys[0]!).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
    expect(keys[0]).toMatchObject({ kty: "EC", alg: "ES256", use: "sig", crv: "P-256" });
  });

  test.each(discoveryPaths)(
    "%s names the issuer and where the keys are, and no endpoint there is not",
    async (path) => {
      const response = await get(path);
      expect(response.headers.get("content-type")).toBe("application/json");
      expect(await response.json()).toEqual({
        issuer,
        jwks_uri: `${issuer}${jwksPath}`,
        response_types_supported: [],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["ES256", "EdDSA"],
      });
    },
  );

  describe.each([jwksPath, ...discoveryPaths])("%s", (path) => {
    test("is not sent again to who has it", async () => {
      const response = await get(path);
      const etag = response.headers.get("etag") ?? "";
      expect(etag).toMatch(/^"[\w-]{22}"$/);
      for (const known of [etag, `W/${etag}`, `"another", ${etag}`, "*"]) {
        const again = await get(path, { headers: { "if-none-match": known } });
        expect(again.status).toBe(304);
        expect(await again.text()).toBe("");
        expect(again.headers.get("etag")).toBe(etag);
        expect(again.headers.get("cache-control")).toBe(response.headers.get("cache-control"));
      }
      const other = await get(path, { headers: { "if-none-match": '"another"' } });
      expect(other.status).toBe(200);
      expect(await other.text()).toBe(await response.text());
    });

    test("HEAD answers what GET does, without the body", async () => {
      const [answer, head] = [await get(path), await get(path, { method: "HEAD" })];
      expect(head.status).toBe(200);
      for (const name of ["content-type", "content-length", "etag", "cache-control"]) {
        expect(head.headers.get(name)).toBe(answer.headers.get(name));
      }
      expect(Number(head.headers.get("content-length"))).toBe((await answer.arrayBuffer()).byteLength);
      expect(await head.text()).toBe("");
    });

    test.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])("%s is not allowed", async (method) => {
      const response = await get(path, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get("allow")).toBe("GET, HEAD");
      expect(await response.text()).toBe("");
    });

    test("with a query it is the same", async () => {
      const [plain, query] = [await get(path), await get(`${path}?v=2`)];
      expect(query.status).toBe(200);
      expect(await query.text()).toBe(await plain.text());
    });

    test.each(["/", "x", "/../jwks.json/x"])("%j behind it is another path", async (behind) => {
      expect((await get(`${path}${behind}`)).status).toBe(404);
    });
  });

  test("a verifier that knows no more than the issuer verifies a token", async () => {
    const token = await signIn(grpcClients(shared.running), "ada");
    const { payload, protectedHeader } = await verifyByDiscovery(shared.running, token);
    expect(protectedHeader).toEqual({ alg: "ES256", typ: "at+jwt", kid: expect.any(String) });
    expect(Object.keys(payload)).toEqual(["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "sid"]);
  });
});

describe("an algorithm that is changed", () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createTestDatabase();
  });
  afterEach(() => database.drop());

  const start = (environment: Environment) =>
    startService({ DATABASE_URL: database.uri, AUTH_MIGRATE: "auto", ...environment });

  test.each([
    ["ES256", "EdDSA"],
    ["EdDSA", "ES256"],
  ])(
    "from %s to %s: old tokens stay good, and new ones are of the new one when its key's time has come",
    {
      timeout: 60_000,
    },
    async (before, after) => {
      let old: string;
      {
        await using service = await start({ AUTH_SIGNING_ALGORITHM: before });
        old = await signIn(grpcClients(service), "before");
        expect(decodeProtectedHeader(old).alg).toBe(before);
        await verifyByDiscovery(service, old);
      }
      // The next key is due at once; until it signs, the old one does.
      const quick = { AUTH_JWKS_MAX_AGE: "1s", AUTH_SIGNING_KEY_ROTATION: "3s" };
      await using service = await start({ AUTH_SIGNING_ALGORITHM: after, ...quick });
      const clients = grpcClients(service);
      let recent = await signIn(clients, "after-0");
      for (let n = 1; decodeProtectedHeader(recent).alg === before; n++)
        recent = await signIn(clients, `after-${n}`);

      for (const token of [old, recent]) {
        expect((await clients.tokens.introspectToken({ token })).active).toBe(true);
        await verifyByDiscovery(service, token);
      }
      const { keys } = (await (await fetch(`${service.httpUrl}${jwksPath}`)).json()) as {
        keys: Record<string, string>[];
      };
      expect(new Set(keys.map(({ alg }) => alg))).toEqual(new Set([before, after]));
      for (const key of keys) {
        const members = ["alg", "crv", "kid", "kty", "use", "x", ...(key["kty"] === "EC" ? ["y"] : [])];
        expect(Object.keys(key).sort()).toEqual(members);
      }
    },
  );
});
