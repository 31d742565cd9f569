import { patienceMs } from "./infrastructure/db/budget.ts";
import { socketPathOf } from "./infrastructure/unix-socket.ts";
import { isLoopbackHost, openAddresses } from "./loopback.ts";
import type { Settings } from "./settings.ts";

/** What good values cannot mean together. */
export function contradictions(values: Partial<Settings>, inProduction: boolean): string[] {
  return [
    ...addressContradictions(values),
    ...tlsContradictions(values),
    ...callerContradictions(values, inProduction),
    ...argon2Contradictions(values),
    ...tokenContradictions(values),
    ...timeContradictions(values),
    ...breachContradictions(values),
  ];
}

function* addressContradictions(values: Partial<Settings>): Iterable<string> {
  const { AUTH_GRPC_ADDRESS: grpc, AUTH_HTTP_ADDRESS: http, AUTH_ISSUER: issuer } = values;
  if (grpc !== undefined && grpc === http && socketPathOf(grpc) !== undefined) {
    yield "AUTH_GRPC_ADDRESS and AUTH_HTTP_ADDRESS are the same socket";
  }
  if (issuer === undefined && http !== undefined && socketPathOf(http) !== undefined) {
    yield `AUTH_ISSUER must be set with AUTH_HTTP_ADDRESS ${http}: a socket is not a URL where verifiers find the keys`;
  }
}

function* tokenContradictions(values: Partial<Settings>): Iterable<string> {
  const { AUTH_WRAPPING_KEY_FILE: file, AUTH_WRAPPING_KEY: value } = values;
  if (file !== undefined && value !== undefined)
    yield "AUTH_WRAPPING_KEY_FILE and AUTH_WRAPPING_KEY are both set";
  // On a database that is shared, nothing can be guessed that all instances and verifiers must agree on.
  if (values.DATABASE_URL !== undefined) {
    yield* unsaid(values, "DATABASE_URL", "openssl rand -base64 32 makes a key");
  }
}

/** What is made or guessed on a developer's own machine, and must be said elsewhere. */
export function* unsaid(values: Partial<Settings>, elsewhere: string, aboutTheKey: string): Iterable<string> {
  for (const name of ["AUTH_ISSUER", "AUTH_AUDIENCES"] as const) {
    if (values[name] === undefined) yield `${name} must be set with ${elsewhere}`;
  }
  if ((values.AUTH_WRAPPING_KEY_FILE ?? values.AUTH_WRAPPING_KEY) === undefined) {
    yield `AUTH_WRAPPING_KEY_FILE (or AUTH_WRAPPING_KEY) must be set with ${elsewhere}: ${aboutTheKey}`;
  }
}

/** Pairs of durations of which the first must be at most the second. */
const ordered = [
  ["AUTH_SESSION_IDLE", "AUTH_SESSION_ABSOLUTE"],
  ["AUTH_ACCESS_TOKEN_LIFETIME", "AUTH_SESSION_IDLE"],
  ["AUTH_REFRESH_LEEWAY", "AUTH_SESSION_IDLE"],
] as const;

function* timeContradictions(values: Partial<Settings>): Iterable<string> {
  for (const [shorter, longer] of ordered) {
    if ((values[shorter] ?? 0) > (values[longer] ?? Number.POSITIVE_INFINITY)) {
      yield `${shorter} is longer than ${longer}`;
    }
  }
  if ((values.AUTH_REFRESH_LEEWAY ?? patienceMs) < patienceMs) {
    yield `AUTH_REFRESH_LEEWAY must be at least ${patienceMs / 1_000}s: ` +
      "so long may the service itself try to find out whether a refresh was made";
  }
  const { AUTH_SIGNING_KEY_ROTATION: rotation, AUTH_JWKS_MAX_AGE: maxAge } = values;
  if (rotation !== undefined && maxAge !== undefined && rotation < 3 * maxAge) {
    yield "AUTH_SIGNING_KEY_ROTATION must be at least three times AUTH_JWKS_MAX_AGE: a key is published before it signs";
  }
}

function* breachContradictions(values: Partial<Settings>): Iterable<string> {
  const { AUTH_BREACH_CHECK_URL: url, AUTH_BREACH_CHECK_FILE: file } = values;
  if (url !== undefined && file !== undefined) {
    yield "AUTH_BREACH_CHECK_URL and AUTH_BREACH_CHECK_FILE are both set";
  }
  if (url !== undefined && new URL(url).protocol === "http:" && !isLoopbackHost(new URL(url).hostname)) {
    yield "AUTH_BREACH_CHECK_URL is not loopback, and parts of digests would cross the network in plaintext: use https";
  }
  if (values.AUTH_BREACH_CHECK_ON_FAILURE !== undefined && (url ?? file) === undefined) {
    yield "AUTH_BREACH_CHECK_ON_FAILURE needs AUTH_BREACH_CHECK_URL or AUTH_BREACH_CHECK_FILE";
  }
}

function* tlsContradictions(values: Partial<Settings>): Iterable<string> {
  const { AUTH_TLS: tls, AUTH_TLS_CERT_FILE: certFile, AUTH_TLS_KEY_FILE: keyFile } = values;
  if (tls === "on" && (certFile === undefined || keyFile === undefined)) {
    yield "AUTH_TLS=on needs AUTH_TLS_CERT_FILE and AUTH_TLS_KEY_FILE";
  }
  if ((tls === "off" || tls === "mesh") && (certFile ?? keyFile) !== undefined) {
    yield `AUTH_TLS_CERT_FILE and AUTH_TLS_KEY_FILE need AUTH_TLS=on, and it is ${tls}`;
  }
  if (tls !== "off") return;
  for (const [name, address] of openAddresses(values)) {
    yield `${name} ${address} is not loopback, and passwords would cross the network in plaintext: ` +
      "set AUTH_TLS=on, or AUTH_TLS=mesh where a mesh does TLS";
  }
}

function* callerContradictions(values: Partial<Settings>, inProduction: boolean): Iterable<string> {
  const { AUTH_TLS: tls, AUTH_SIDECARS: sidecars } = values;
  const { AUTH_TRUST_DOMAINS: trustDomains, AUTH_POLICY_FILE: policyFile } = values;
  if (values.AUTH_CALLERS === "anyone") {
    if (inProduction) yield "AUTH_CALLERS=anyone lets every call do everything: not with NODE_ENV=production";
    if (tls === "mesh")
      yield "AUTH_CALLERS=anyone lets every call do everything: not behind a mesh (AUTH_TLS=mesh)";
    for (const [name, address] of openAddresses(values)) {
      yield `AUTH_CALLERS=anyone lets every call do everything, and ${name} ${address} is not loopback`;
    }
    for (const name of ["AUTH_POLICY_FILE", "AUTH_TRUST_DOMAINS"] as const) {
      if (values[name] !== undefined) yield `${name} is set, and AUTH_CALLERS=anyone would not look at it`;
    }
  }
  yield* bundleContradictions(values);
  if (sidecars !== undefined && trustDomains === undefined) {
    yield "AUTH_SIDECARS needs AUTH_TRUST_DOMAINS: whose certificates are callers must be said";
  }
  if (sidecars !== undefined && tls === "off") {
    yield "AUTH_SIDECARS needs AUTH_TLS=mesh (or on): on loopback every process could say who it is";
  }
  if (trustDomains !== undefined && policyFile === undefined) {
    yield "AUTH_TRUST_DOMAINS needs AUTH_POLICY_FILE: without a policy no certificate may do anything";
  }
  if (values.AUTH_REFLECTION === "on" && inProduction) {
    yield "AUTH_REFLECTION=on shows the whole API to everybody: not with NODE_ENV=production (granted, or off)";
  }
}

/** Each trust domain has a CA bundle of its own: an authority can write any name into a certificate. */
function* bundleContradictions(values: Partial<Settings>): Iterable<string> {
  const { AUTH_TLS: tls, AUTH_CLIENT_CA_FILE: caFile, AUTH_TRUST_DOMAINS: domains = new Map() } = values;
  const own = [...domains].filter(([, file]) => file !== undefined);
  const withoutBundle = [...domains.keys()].filter((domain) => domains.get(domain) === undefined);
  if (caFile !== undefined) {
    if (tls !== "on") yield "AUTH_CLIENT_CA_FILE needs AUTH_TLS=on: without TLS no certificate is shown";
    if (domains.size === 0) {
      yield "AUTH_CLIENT_CA_FILE needs AUTH_TRUST_DOMAINS: the trust domain that its authorities belong to";
    }
    if (domains.size > 1 || own.length > 0) {
      yield "AUTH_CLIENT_CA_FILE is the CA bundle of one trust domain: remove it, and give each trust domain its own, as in " +
        "AUTH_TRUST_DOMAINS=a.example=/ca-a.pem,b.example=/ca-b.pem";
    }
    return;
  }
  if (own.length > 0 && tls !== "on") {
    yield "AUTH_TRUST_DOMAINS names CA bundles, which need AUTH_TLS=on: without TLS no certificate is shown";
  }
  for (const [index, [domain, file]] of own.entries()) {
    const other = own.slice(0, index).find(([, each]) => each === file);
    if (other !== undefined) {
      yield `AUTH_TRUST_DOMAINS gives ${other[0]} and ${domain} the same CA bundle ${file}: give each its own`;
    }
  }
  if (withoutBundle.length > 0 && values.AUTH_SIDECARS === undefined) {
    yield domains.size === 1
      ? "AUTH_TRUST_DOMAINS needs AUTH_CLIENT_CA_FILE or AUTH_SIDECARS: no caller could show a certificate"
      : `AUTH_TRUST_DOMAINS lacks the CA bundle of ${withoutBundle.join(" and ")}: write ${withoutBundle[0]}=/path/to/ca.pem (or set AUTH_SIDECARS)`;
  }
}

/** OWASP Password Storage: memory in KiB and iterations, any pair of which is enough. */
const argon2Floors = [
  [47_104, 1],
  [19_456, 2],
  [12_288, 3],
  [9_216, 4],
  [7_168, 5],
] as const;

function* argon2Contradictions(values: Partial<Settings>): Iterable<string> {
  const { AUTH_ARGON2_MEMORY: memory, AUTH_ARGON2_ITERATIONS: iterations } = values;
  if (memory === undefined || iterations === undefined) return;
  if (!argon2Floors.some(([m, t]) => memory >= m && iterations >= t)) {
    yield `AUTH_ARGON2_MEMORY=${memory} with AUTH_ARGON2_ITERATIONS=${iterations} is below the floor (OWASP): ` +
      `one of ${argon2Floors.map(([m, t]) => `${m} with ${t}`).join(", ")}`;
  }
}
