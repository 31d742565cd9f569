import { patienceMs } from "../infrastructure/db/budget.ts";
import { socketPathOf } from "../infrastructure/sockets/unix-socket.ts";
import { isLoopbackHost, nonLoopbackAddresses } from "./loopback.ts";
import type { Settings } from "./settings.ts";

/** The combinations of valid settings that are refused. */
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
    yield "AUTH_GRPC_ADDRESS and AUTH_HTTP_ADDRESS name the same socket: choose two paths";
  }
  if (issuer === undefined && http !== undefined && socketPathOf(http) !== undefined) {
    yield `AUTH_ISSUER must be set if AUTH_HTTP_ADDRESS is a socket (${http}): verifiers need a URL to fetch the keys`;
  }
}

function* tokenContradictions(values: Partial<Settings>): Iterable<string> {
  const { AUTH_WRAPPING_KEY_FILE: file, AUTH_WRAPPING_KEY: value } = values;
  if (file !== undefined && value !== undefined)
    yield "AUTH_WRAPPING_KEY_FILE and AUTH_WRAPPING_KEY are both set: unset one";
  // On a shared database, values that all instances and verifiers must agree on cannot be guessed.
  if (values.DATABASE_URL !== undefined) {
    yield* missingOutsideDevelopment(values, "DATABASE_URL", "create a key with openssl rand -base64 32");
  }
}

/** Settings that are generated or guessed in local development and required elsewhere. */
export function* missingOutsideDevelopment(
  values: Partial<Settings>,
  elsewhere: string,
  aboutTheKey: string,
): Iterable<string> {
  for (const name of ["AUTH_ISSUER", "AUTH_AUDIENCES"] as const) {
    if (values[name] === undefined) yield `${name} must be set with ${elsewhere}`;
  }
  if ((values.AUTH_WRAPPING_KEY_FILE ?? values.AUTH_WRAPPING_KEY) === undefined) {
    yield `AUTH_WRAPPING_KEY_FILE (or AUTH_WRAPPING_KEY) must be set with ${elsewhere}: ${aboutTheKey}`;
  }
}

/** Pairs of durations; the first must not exceed the second. */
const ordered = [
  ["AUTH_SESSION_IDLE", "AUTH_SESSION_ABSOLUTE"],
  ["AUTH_ACCESS_TOKEN_LIFETIME", "AUTH_SESSION_IDLE"],
  ["AUTH_REFRESH_LEEWAY", "AUTH_SESSION_IDLE"],
] as const;

function* timeContradictions(values: Partial<Settings>): Iterable<string> {
  for (const [shorter, longer] of ordered) {
    if ((values[shorter] ?? 0) > (values[longer] ?? Number.POSITIVE_INFINITY)) {
      yield `${shorter} must not be longer than ${longer}`;
    }
  }
  if ((values.AUTH_REFRESH_LEEWAY ?? patienceMs) < patienceMs) {
    yield `AUTH_REFRESH_LEEWAY must be at least ${patienceMs / 1_000}s: ` +
      "the service retries a refresh of unknown outcome for that long";
  }
  const { AUTH_SIGNING_KEY_ROTATION: rotation, AUTH_JWKS_MAX_AGE: maxAge } = values;
  if (rotation !== undefined && maxAge !== undefined && rotation < 3 * maxAge) {
    yield "AUTH_SIGNING_KEY_ROTATION must be at least three times AUTH_JWKS_MAX_AGE: a key is published for twice that long before it signs";
  }
}

function* breachContradictions(values: Partial<Settings>): Iterable<string> {
  const { AUTH_BREACH_CHECK_URL: url, AUTH_BREACH_CHECK_FILE: file } = values;
  if (url !== undefined && file !== undefined) {
    yield "AUTH_BREACH_CHECK_URL and AUTH_BREACH_CHECK_FILE are both set: unset one";
  }
  if (url !== undefined && new URL(url).protocol === "http:" && !isLoopbackHost(new URL(url).hostname)) {
    yield "AUTH_BREACH_CHECK_URL must be https unless it is loopback: parts of password digests would cross the network in plaintext";
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
    yield `AUTH_TLS_CERT_FILE and AUTH_TLS_KEY_FILE need AUTH_TLS=on; it is ${tls}`;
  }
  if (tls !== "off") return;
  for (const [name, address] of nonLoopbackAddresses(values)) {
    yield `${name} ${address} is not loopback and AUTH_TLS is off, so passwords would cross the network in plaintext: ` +
      "set AUTH_TLS=on, or AUTH_TLS=mesh if a mesh encrypts the traffic";
  }
}

function* callerContradictions(values: Partial<Settings>, inProduction: boolean): Iterable<string> {
  const { AUTH_TLS: tls, AUTH_SIDECARS: sidecars } = values;
  const { AUTH_TRUST_DOMAINS: trustDomains, AUTH_POLICY_FILE: policyFile } = values;
  if (values.AUTH_CALLERS === "anyone") {
    if (inProduction)
      yield "AUTH_CALLERS=anyone grants every permission to every caller and is refused with NODE_ENV=production";
    if (tls === "mesh")
      yield "AUTH_CALLERS=anyone grants every permission to every caller and is refused behind a mesh (AUTH_TLS=mesh)";
    for (const [name, address] of nonLoopbackAddresses(values)) {
      yield `AUTH_CALLERS=anyone grants every permission to every caller, but ${name} ${address} is not loopback`;
    }
    for (const name of ["AUTH_POLICY_FILE", "AUTH_TRUST_DOMAINS"] as const) {
      if (values[name] !== undefined)
        yield `${name} has no effect with AUTH_CALLERS=anyone: unset one of them`;
    }
  }
  yield* bundleContradictions(values);
  if (sidecars !== undefined && trustDomains === undefined) {
    yield "AUTH_SIDECARS needs AUTH_TRUST_DOMAINS: the trust domains whose certificates identify callers";
  }
  if (sidecars !== undefined && tls === "off") {
    yield "AUTH_SIDECARS needs AUTH_TLS=mesh (or on): any local process could forge the header on loopback";
  }
  if (trustDomains !== undefined && policyFile === undefined) {
    yield "AUTH_TRUST_DOMAINS needs AUTH_POLICY_FILE: without a policy no certificate has permissions";
  }
  if (values.AUTH_REFLECTION === "on" && inProduction) {
    yield "AUTH_REFLECTION=on exposes the API to anonymous callers and is refused with NODE_ENV=production: use granted or off";
  }
}

/** Each trust domain needs its own CA bundle, because an authority can write any name into a certificate. */
function* bundleContradictions(values: Partial<Settings>): Iterable<string> {
  const { AUTH_TLS: tls, AUTH_CLIENT_CA_FILE: caFile, AUTH_TRUST_DOMAINS: domains = new Map() } = values;
  const own = [...domains].filter(([, file]) => file !== undefined);
  const withoutBundle = [...domains.keys()].filter((domain) => domains.get(domain) === undefined);
  if (caFile !== undefined) {
    if (tls !== "on")
      yield "AUTH_CLIENT_CA_FILE needs AUTH_TLS=on: clients present certificates only over TLS";
    if (domains.size === 0) {
      yield "AUTH_CLIENT_CA_FILE needs AUTH_TRUST_DOMAINS: the trust domain of its authorities";
    }
    if (domains.size > 1 || own.length > 0) {
      yield "AUTH_CLIENT_CA_FILE is the CA bundle of one trust domain: unset it and give each trust domain its own, such as " +
        "AUTH_TRUST_DOMAINS=a.example=/ca-a.pem,b.example=/ca-b.pem";
    }
    return;
  }
  if (own.length > 0 && tls !== "on") {
    yield "AUTH_TRUST_DOMAINS names CA bundles, which need AUTH_TLS=on: clients present certificates only over TLS";
  }
  for (const [index, [domain, file]] of own.entries()) {
    const other = own.slice(0, index).find(([, each]) => each === file);
    if (other !== undefined) {
      yield `AUTH_TRUST_DOMAINS gives ${other[0]} and ${domain} the same CA bundle ${file}: each needs its own`;
    }
  }
  if (withoutBundle.length > 0 && values.AUTH_SIDECARS === undefined) {
    yield domains.size === 1
      ? "AUTH_TRUST_DOMAINS needs AUTH_CLIENT_CA_FILE or AUTH_SIDECARS to verify client certificates"
      : `AUTH_TRUST_DOMAINS lacks the CA bundle of ${withoutBundle.join(" and ")}: set ${withoutBundle[0]}=/path/to/ca.pem (or AUTH_SIDECARS)`;
  }
}

/** OWASP Password Storage: pairs of memory in KiB and iterations, each of which is sufficient. */
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
    yield `AUTH_ARGON2_MEMORY=${memory} with AUTH_ARGON2_ITERATIONS=${iterations} is below the OWASP minimum: ` +
      `use at least ${argon2Floors.map(([m, t]) => `${m} with ${t}`).join(", ")}`;
  }
}
