import { missingOutsideDevelopment } from "./conflicting-settings.ts";
import { isLoopback, isLoopbackHost } from "./loopback.ts";
import type { Settings } from "./settings.ts";

/**
 * Settings that are valid individually but together would expose something. One sentence per fault, without secret
 * values.
 */
export function* unsafeSettings(
  values: Partial<Settings>,
  inProduction: boolean,
  defaultDatabaseHost: string | undefined,
): Iterable<string> {
  yield* unsafeDatabase(values, inProduction, defaultDatabaseHost);
  yield* unsafeTokens(values);
  if (inProduction && values.DATABASE_URL === undefined) {
    yield* missingOutsideDevelopment(
      values,
      "NODE_ENV=production",
      "the generated key is stored beside the data that it protects",
    );
  }
  if ((values.AUTH_PASSWORD_MIN_LENGTH ?? 15) < 15 && values.AUTH_SECOND_FACTOR !== "elsewhere") {
    yield "AUTH_PASSWORD_MIN_LENGTH must be at least 15 if a password is the only factor: " +
      "set AUTH_SECOND_FACTOR=elsewhere if callers always require another factor";
  }
  for (const origin of values.AUTH_CORS_ORIGINS ?? []) {
    const { protocol, hostname } = new URL(origin);
    if (inProduction && protocol === "http:" && !isLoopbackHost(hostname)) {
      yield `AUTH_CORS_ORIGINS lists ${origin}, which is plaintext: use https with NODE_ENV=production`;
    }
  }
  if (values.AUTH_SIDECARS?.some(isTooWide)) {
    yield "AUTH_SIDECARS names a network wider than /8: list the addresses of the sidecars";
  }
}

/** Common default passwords of databases. */
const wellKnownPasswords = new Set([
  ...["admin", "auth", "changeme", "cockroach", "default", "example", "pass", "password"],
  ...["postgres", "postgresql", "root", "secret", "test"],
]);

function* unsafeDatabase(
  { DATABASE_URL: text, AUTH_DATABASE_TLS: tls }: Partial<Settings>,
  inProduction: boolean,
  defaultHost: string | undefined,
): Iterable<string> {
  if (text === undefined) {
    if (tls === "trusted-network") yield "AUTH_DATABASE_TLS=trusted-network needs DATABASE_URL";
    return;
  }
  const { hostname, password, searchParams } = new URL(text);
  // As in pg: the parameter takes precedence over the host, and the environment supplies what is missing.
  const host =
    searchParams.getAll("host").at(-1) || decodeURIComponent(hostname) || defaultHost || "localhost";
  const isLocal = host.startsWith("/") || isLoopbackHost(host);
  if (!isLocal && tls !== "trusted-network" && !authenticatesServer(searchParams)) {
    yield "DATABASE_URL is not loopback and lacks sslmode=verify-full, so an impostor could pose as the database: " +
      "add it, or set AUTH_DATABASE_TLS=trusted-network if a mesh or a private network protects the connection";
  }
  const given = searchParams.getAll("password").at(-1) ?? decodeURIComponent(password);
  if (inProduction && wellKnownPasswords.has(given.toLowerCase())) {
    yield "DATABASE_URL has a well-known default password: choose another with NODE_ENV=production";
  }
}

/**
 * libpq, "SSL Mode Descriptions": `require` verifies the certificate only if there is a CA certificate to verify it
 * with.
 */
function authenticatesServer(parameters: URLSearchParams): boolean {
  const mode = parameters.getAll("sslmode").at(-1);
  const hasAuthority = (parameters.getAll("sslrootcert").at(-1) ?? "") !== "";
  return mode === "verify-full" || (hasAuthority && (mode === "verify-ca" || mode === "require"));
}

/** How long something stolen or revoked may remain valid. Hours. */
const longest = [
  ["AUTH_ACCESS_TOKEN_LIFETIME", 1, "a stolen token would stay valid that long for offline verifiers"],
  ["AUTH_SESSION_ABSOLUTE", 8_760, "users must sign in again at least once a year"],
  ["AUTH_JWKS_MAX_AGE", 24, "verifiers would trust a revoked key that long"],
  ["AUTH_SIGNING_KEY_ROTATION", 8_760, "rotate signing keys at least once a year"],
  ["AUTH_REFRESH_LEEWAY", 1 / 6, "a stolen refresh token could be used that long without being detected"],
] as const;

function* unsafeTokens(values: Partial<Settings>): Iterable<string> {
  for (const [name, hours, why] of longest) {
    if ((values[name] ?? 0) <= hours * 3_600_000) continue;
    yield `${name} must be at most ${hours < 1 ? `${hours * 60}m` : `${hours}h`}: ${why}`;
  }
  const { AUTH_ISSUER: issuer, AUTH_AUDIENCES: audiences, AUTH_HTTP_ADDRESS: address } = values;
  if (issuer !== undefined) {
    const { protocol, hostname } = new URL(issuer);
    if (protocol === "http:" && !isLoopbackHost(hostname)) {
      yield "AUTH_ISSUER must be https unless it is loopback: an attacker on the network could replace the keys that verifiers fetch";
    }
  } else if (address !== undefined && !isLoopback(address)) {
    yield `AUTH_ISSUER must be set if AUTH_HTTP_ADDRESS is not loopback (${address}): verifiers need a URL to fetch the keys`;
  }
  if (issuer !== undefined && audiences?.has(issuer)) {
    yield "AUTH_AUDIENCES contains AUTH_ISSUER: list the services that verify tokens, not the service that issues them";
  }
}

function isTooWide(network: string): boolean {
  const [, length] = network.split("/");
  return length !== undefined && Number(length) < 8;
}
