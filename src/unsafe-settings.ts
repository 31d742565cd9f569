import { unsaid } from "./contradictions.ts";
import { isLoopback, isLoopbackHost } from "./loopback.ts";
import type { Settings } from "./settings.ts";

/** Settings that are good each by itself, and together would give something away. One sentence a fault, without any value that is secret. */
export function* unsafeSettings(
  values: Partial<Settings>,
  inProduction: boolean,
  defaultDatabaseHost: string | undefined,
): Iterable<string> {
  yield* unsafeDatabase(values, inProduction, defaultDatabaseHost);
  yield* unsafeTokens(values);
  if (inProduction && values.DATABASE_URL === undefined) {
    yield* unsaid(
      values,
      "NODE_ENV=production",
      "the one that is made in AUTH_DATA_DIR lies beside what it wraps",
    );
  }
  if ((values.AUTH_PASSWORD_MIN_LENGTH ?? 15) < 15 && values.AUTH_SECOND_FACTOR !== "elsewhere") {
    yield "AUTH_PASSWORD_MIN_LENGTH is below 15, which is too short where a password is the only factor: " +
      "set AUTH_SECOND_FACTOR=elsewhere where callers always ask for another one";
  }
  for (const origin of values.AUTH_CORS_ORIGINS ?? []) {
    const { protocol, hostname } = new URL(origin);
    if (inProduction && protocol === "http:" && !isLoopbackHost(hostname)) {
      yield `AUTH_CORS_ORIGINS lists ${origin}, whose pages cross the network in plaintext: use https with NODE_ENV=production`;
    }
  }
  if (values.AUTH_SIDECARS?.some(isTooWide)) {
    yield "AUTH_SIDECARS names a network wider than /8: too many could say who they are";
  }
}

/** What people leave as the password of a database. */
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
  // As pg reads it: the parameter before the host, and what is left out from the environment.
  const host =
    searchParams.getAll("host").at(-1) || decodeURIComponent(hostname) || defaultHost || "localhost";
  const isLocal = host.startsWith("/") || isLoopbackHost(host);
  if (!isLocal && tls !== "trusted-network" && !provesTheServer(searchParams)) {
    yield "DATABASE_URL is not loopback and lacks sslmode=verify-full: who answers instead of the database would get " +
      "everything; or AUTH_DATABASE_TLS=trusted-network where a mesh or a network of its own protects the way";
  }
  const given = searchParams.getAll("password").at(-1) ?? decodeURIComponent(password);
  if (inProduction && wellKnownPasswords.has(given.toLowerCase())) {
    yield "DATABASE_URL has a password that everybody tries first: not with NODE_ENV=production";
  }
}

/** libpq, "SSL Mode Descriptions": require looks at the certificate only where there is one of an authority to compare it with. */
function provesTheServer(parameters: URLSearchParams): boolean {
  const mode = parameters.getAll("sslmode").at(-1);
  const hasAuthority = (parameters.getAll("sslrootcert").at(-1) ?? "") !== "";
  return mode === "verify-full" || (hasAuthority && (mode === "verify-ca" || mode === "require"));
}

/** How long something that was stolen, or withdrawn, may go on being good. In hours. */
const longest = [
  ["AUTH_ACCESS_TOKEN_LIFETIME", 1, "so long is a stolen one good for verifiers that are offline"],
  ["AUTH_SESSION_ABSOLUTE", 8_760, "a session is to begin anew some day"],
  ["AUTH_JWKS_MAX_AGE", 24, "so long is a key believed that was withdrawn"],
  ["AUTH_SIGNING_KEY_ROTATION", 8_760, "a key that signs for longer is worth more than it can be guarded"],
  ["AUTH_REFRESH_LEEWAY", 1 / 6, "so long can a stolen refresh token be used beside its owner's"],
] as const;

function* unsafeTokens(values: Partial<Settings>): Iterable<string> {
  for (const [name, hours, why] of longest) {
    if ((values[name] ?? 0) <= hours * 3_600_000) continue;
    yield `${name} is longer than ${hours < 1 ? `${hours * 60}m` : `${hours}h`}: ${why}`;
  }
  const { AUTH_ISSUER: issuer, AUTH_AUDIENCES: audiences, AUTH_HTTP_ADDRESS: address } = values;
  if (issuer !== undefined) {
    const { protocol, hostname } = new URL(issuer);
    if (protocol === "http:" && !isLoopbackHost(hostname)) {
      yield "AUTH_ISSUER is http:// and not loopback: verifiers would fetch keys that anybody on the way can replace";
    }
  } else if (address !== undefined && !isLoopback(address)) {
    yield `AUTH_ISSUER must be set, as AUTH_HTTP_ADDRESS ${address} is not loopback: verifiers elsewhere must find the keys`;
  }
  if (issuer !== undefined && audiences?.has(issuer)) {
    yield "AUTH_AUDIENCES holds AUTH_ISSUER: a token is for who verifies it, not for who makes it";
  }
}

function isTooWide(network: string): boolean {
  const [, length] = network.split("/");
  return length !== undefined && Number(length) < 8;
}
