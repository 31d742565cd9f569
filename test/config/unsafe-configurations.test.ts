import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ConfigError, loadConfig } from "../../src/config/config.ts";
import { figure } from "../support/figures.ts";
import { ServiceProcess, temporaryFolder } from "../support/service.ts";

type Environment = Readonly<Record<string, string>>;

/** What a service on a database that it shares must be told at least: good in production too. */
const shared: Environment = {
  DATABASE_URL: "postgresql://auth:canary-1@db/auth?sslmode=verify-full",
  AUTH_ISSUER: "https://auth.example.com",
  AUTH_AUDIENCES: "orders",
  AUTH_WRAPPING_KEY: "canary-2",
};
const inProduction: Environment = { ...shared, NODE_ENV: "production" };
const tls: Environment = { AUTH_TLS: "on", AUTH_TLS_CERT_FILE: "/c", AUTH_TLS_KEY_FILE: "/k" };
const mesh: Environment = {
  ...shared,
  AUTH_TLS: "mesh",
  AUTH_POLICY_FILE: "/policy.json",
  AUTH_TRUST_DOMAINS: "a.test",
};
const database = (rest: string): Environment => ({ ...shared, DATABASE_URL: `postgresql://${rest}` });
const without = (name: string): Environment =>
  Object.fromEntries(Object.entries(shared).filter(([other]) => other !== name));

/** What is unsafe, why it is known to be, how it is said, and where the service says so. */
type Row = readonly [
  what: string,
  source: string,
  environment: Environment,
  sentence: string,
  flags?: readonly string[],
];

const rows: readonly Row[] = [
  // Secrets in plaintext on a network.
  [
    "plaintext beyond loopback",
    "ASVS 12.2.1",
    { AUTH_GRPC_ADDRESS: "0.0.0.0:1" },
    "AUTH_GRPC_ADDRESS 0.0.0.0:1 is not loopback and AUTH_TLS is off, so passwords would cross",
  ],
  [
    "plaintext HTTP beyond loopback",
    "ASVS 12.2.1",
    { AUTH_HTTP_ADDRESS: "0.0.0.0:1", AUTH_ISSUER: "https://auth.test" },
    "AUTH_HTTP_ADDRESS 0.0.0.0:1 is not loopback and AUTH_TLS is off, so passwords would cross",
  ],
  [
    "TLS that was meant and is not on",
    "Dex CVE-2024-23656",
    { AUTH_TLS_CERT_FILE: "/c", AUTH_TLS_KEY_FILE: "/k" },
    "need AUTH_TLS=on; it is off",
  ],
  [
    "TLS without its files",
    "Dex CVE-2024-23656",
    { AUTH_TLS: "on" },
    "AUTH_TLS=on needs AUTH_TLS_CERT_FILE and AUTH_TLS_KEY_FILE",
  ],
  [
    "a database in plaintext",
    "ASVS 12.3.1",
    database("db/auth?sslmode=disable"),
    "DATABASE_URL is not loopback and lacks sslmode=verify-full",
  ],
  [
    "a database in plaintext, as nothing is said",
    "ASVS 12.3.1",
    database("db/auth"),
    "DATABASE_URL is not loopback and lacks sslmode=verify-full",
  ],
  [
    "a database in plaintext where it prefers so",
    "ASVS 12.3.1",
    database("db/auth?sslmode=prefer"),
    "DATABASE_URL is not loopback and lacks sslmode=verify-full",
  ],
  [
    "a database that need not prove who it is",
    "ASVS 12.3.2, CWE-295",
    database("db/auth?sslmode=require"),
    "DATABASE_URL is not loopback and lacks sslmode=verify-full",
  ],
  [
    "a database whose parameter names another host",
    "CWE-436",
    database("127.0.0.1/auth?host=db"),
    "DATABASE_URL is not loopback and lacks sslmode=verify-full",
  ],
  [
    "a database whose last sslmode counts",
    "CWE-436",
    database("db/auth?sslmode=verify-full&sslmode=disable"),
    "DATABASE_URL is not loopback and lacks sslmode=verify-full",
  ],
  [
    "a database that the environment names",
    "CWE-436",
    { ...database("/auth"), PGHOST: "db" },
    "DATABASE_URL is not loopback and lacks sslmode=verify-full",
  ],
  [
    "trust in a network that is not there",
    "ASVS 13.2.1",
    { AUTH_DATABASE_TLS: "trusted-network" },
    "AUTH_DATABASE_TLS=trusted-network needs DATABASE_URL",
  ],
  [
    "an issuer in plaintext",
    "RFC 8414 §2",
    { AUTH_ISSUER: "http://auth.example.com" },
    "AUTH_ISSUER must be https unless it is loopback",
  ],
  [
    "breached passwords in plaintext",
    "ASVS 12.3.1",
    { AUTH_BREACH_CHECK_URL: "http://breaches.example.com" },
    "AUTH_BREACH_CHECK_URL must be https unless it is loopback",
  ],
  // Certificates.
  [
    "certificates that nobody looks at",
    "ASVS 12.3.2, CWE-295",
    { NODE_TLS_REJECT_UNAUTHORIZED: "0" },
    "NODE_TLS_REJECT_UNAUTHORIZED=0 disables certificate checks",
  ],
  [
    "TLS 1.0 by an option",
    "RFC 8996, Dex CVE-2024-23656",
    { NODE_OPTIONS: "--tls-min-v1.0" },
    "Node flag --tls-min-v1.0 accepts TLS 1.0",
  ],
  [
    "keys of TLS in a file",
    "CWE-532",
    { NODE_OPTIONS: "--tls-keylog=/tmp/keys" },
    "Node flag --tls-keylog writes the keys",
  ],
  // Who may call.
  [
    "everybody in production",
    "Zitadel CVE-2024-49757",
    { ...inProduction, AUTH_CALLERS: "anyone" },
    "AUTH_CALLERS=anyone grants every permission to every caller and is refused with NODE_ENV=production",
  ],
  [
    "pages in plaintext that may call",
    "ASVS 12.2.1",
    { ...inProduction, AUTH_CORS_ORIGINS: "https://app.example.com,http://app.example.com" },
    "AUTH_CORS_ORIGINS lists http://app.example.com, which is plaintext",
  ],
  [
    "everybody behind a mesh",
    "ASVS 13.2.1",
    { ...shared, AUTH_TLS: "mesh", AUTH_CALLERS: "anyone" },
    "AUTH_CALLERS=anyone grants every permission to every caller and is refused behind a mesh",
  ],
  [
    "everybody beyond loopback",
    "ASVS 13.2.1",
    { ...shared, ...tls, AUTH_GRPC_ADDRESS: "0.0.0.0:1", AUTH_CALLERS: "anyone" },
    "AUTH_CALLERS=anyone grants every permission to every caller, but AUTH_GRPC_ADDRESS",
  ],
  [
    "everybody, and a policy that nobody looks at",
    "CWE-636",
    { AUTH_CALLERS: "anyone", AUTH_POLICY_FILE: "/p" },
    "AUTH_POLICY_FILE has no effect with AUTH_CALLERS=anyone",
  ],
  [
    "client certificates without TLS",
    "CWE-636",
    { AUTH_CLIENT_CA_FILE: "/ca", AUTH_TRUST_DOMAINS: "a.test", AUTH_POLICY_FILE: "/p" },
    "AUTH_CLIENT_CA_FILE needs AUTH_TLS=on",
  ],
  [
    "client certificates of no trust domain",
    "SPIFFE X509-SVID §5",
    { ...shared, ...tls, AUTH_CLIENT_CA_FILE: "/ca" },
    "AUTH_CLIENT_CA_FILE needs AUTH_TRUST_DOMAINS",
  ],
  [
    "several trust domains with one CA bundle",
    "SPIFFE X509-SVID §5",
    {
      ...shared,
      ...tls,
      AUTH_CLIENT_CA_FILE: "/ca",
      AUTH_TRUST_DOMAINS: "a.test,b.test",
      AUTH_POLICY_FILE: "/p",
    },
    "AUTH_CLIENT_CA_FILE is the CA bundle of one trust domain",
  ],
  [
    "several trust domains with the same CA bundle",
    "SPIFFE X509-SVID §5",
    { ...shared, ...tls, AUTH_TRUST_DOMAINS: "a.test=/ca,b.test=/ca", AUTH_POLICY_FILE: "/p" },
    "AUTH_TRUST_DOMAINS gives a.test and b.test the same CA bundle /ca",
  ],
  [
    "a trust domain that may do nothing",
    "ASVS 8.2.1",
    { ...shared, ...tls, AUTH_CLIENT_CA_FILE: "/ca", AUTH_TRUST_DOMAINS: "a.test" },
    "AUTH_TRUST_DOMAINS needs AUTH_POLICY_FILE",
  ],
  [
    "sidecars on loopback",
    "Zitadel CVE-2025-64101",
    { AUTH_SIDECARS: "127.0.0.6", AUTH_TRUST_DOMAINS: "a.test", AUTH_POLICY_FILE: "/p" },
    "AUTH_SIDECARS needs AUTH_TLS=mesh",
  ],
  [
    "sidecars everywhere",
    "ASVS 4.1.3",
    { ...mesh, AUTH_SIDECARS: "0.0.0.0/0" },
    "AUTH_SIDECARS names a network wider than /8",
  ],
  [
    "sidecars everywhere, in two halves",
    "ASVS 4.1.3",
    { ...mesh, AUTH_SIDECARS: "0.0.0.0/1,128.0.0.0/1" },
    "AUTH_SIDECARS names a network wider than /8",
  ],
  [
    "sidecars everywhere, by IPv6",
    "ASVS 4.1.3",
    { ...mesh, AUTH_SIDECARS: "::/0" },
    "AUTH_SIDECARS names a network wider than /8",
  ],
  [
    "reflection in production",
    "OWASP gRPC Security",
    { ...inProduction, AUTH_REFLECTION: "on" },
    "AUTH_REFLECTION=on exposes the API to anonymous callers",
  ],
  // Tokens.
  ["an issuer without a name", "OpenFGA CVE-2026-55689", { AUTH_ISSUER: "" }, "AUTH_ISSUER is empty"],
  ["audiences of nobody", "OpenFGA CVE-2026-55689", { AUTH_AUDIENCES: "" }, "AUTH_AUDIENCES is empty"],
  [
    "an issuer that is guessed",
    "RFC 9068 §4",
    without("AUTH_ISSUER"),
    "AUTH_ISSUER must be set with DATABASE_URL",
  ],
  [
    "audiences that are guessed",
    "RFC 9068 §4",
    without("AUTH_AUDIENCES"),
    "AUTH_AUDIENCES must be set with DATABASE_URL",
  ],
  [
    "an issuer whom nobody elsewhere can reach",
    "RFC 8414 §3",
    { ...tls, AUTH_HTTP_ADDRESS: "0.0.0.0:1" },
    "AUTH_ISSUER must be set if AUTH_HTTP_ADDRESS is not loopback (0.0.0.0:1)",
  ],
  [
    "an issuer that holds a password",
    "RFC 3986 §3.2.1",
    { AUTH_ISSUER: "https://me:canary-3@auth.test" },
    "AUTH_ISSUER must not contain a user name",
  ],
  [
    "tokens for who makes them",
    "RFC 9068 §5",
    { ...shared, AUTH_AUDIENCES: "orders,https://auth.example.com" },
    "AUTH_AUDIENCES contains AUTH_ISSUER",
  ],
  [
    "access tokens for a day",
    "RFC 9700 §2.2.1",
    { AUTH_ACCESS_TOKEN_LIFETIME: "61m" },
    "AUTH_ACCESS_TOKEN_LIFETIME must be at most 1h",
  ],
  [
    "sessions for years",
    "NIST SP 800-63B-4 §2.2.3",
    { AUTH_SESSION_ABSOLUTE: "8761h" },
    "AUTH_SESSION_ABSOLUTE must be at most 8760h",
  ],
  [
    "idle sessions that outlive their end",
    "ASVS 7.3.1",
    { AUTH_SESSION_IDLE: "721h" },
    "AUTH_SESSION_IDLE must not be longer than AUTH_SESSION_ABSOLUTE",
  ],
  [
    "used refresh tokens that stay good",
    "django-oauth-toolkit#1617",
    { AUTH_REFRESH_LEEWAY: "11m" },
    "AUTH_REFRESH_LEEWAY must be at most 10m",
  ],
  [
    "withdrawn keys that stay believed",
    "RFC 8725 §3.8",
    { AUTH_JWKS_MAX_AGE: "25h" },
    "AUTH_JWKS_MAX_AGE must be at most 24h",
  ],
  [
    "signing keys for years",
    "NIST SP 800-57 part 1 §5.3.6",
    { AUTH_SIGNING_KEY_ROTATION: "8761h" },
    "AUTH_SIGNING_KEY_ROTATION must be at most 8760h",
  ],
  [
    "an algorithm that a public key can forge",
    "RFC 8725 §3.1",
    { AUTH_SIGNING_ALGORITHM: "HS256" },
    "AUTH_SIGNING_ALGORITHM must be",
  ],
  ["no algorithm", "RFC 8725 §3.2", { AUTH_SIGNING_ALGORITHM: "none" }, "AUTH_SIGNING_ALGORITHM must be"],
  // Keys.
  [
    "a database without a wrapping key",
    "ASVS 13.3.1, Kratos CVE-2026-33503",
    without("AUTH_WRAPPING_KEY"),
    "AUTH_WRAPPING_KEY_FILE (or AUTH_WRAPPING_KEY) must be set with DATABASE_URL",
  ],
  [
    "two wrapping keys, of which one is forgotten",
    "CWE-1188",
    { ...shared, AUTH_WRAPPING_KEY_FILE: "/key" },
    "AUTH_WRAPPING_KEY_FILE and AUTH_WRAPPING_KEY are both set: unset one",
  ],
  [
    "a wrapping key beside what it wraps, in production",
    "ASVS 13.3.1",
    { NODE_ENV: "production", AUTH_ISSUER: "https://auth.test", AUTH_AUDIENCES: "orders" },
    "must be set with NODE_ENV=production: the generated key is stored beside the data that it protects",
  ],
  [
    "tokens for developers, in production",
    "CWE-1188",
    { NODE_ENV: "production", AUTH_ISSUER: "https://auth.test", AUTH_WRAPPING_KEY: "k" },
    "AUTH_AUDIENCES must be set with NODE_ENV=production",
  ],
  [
    "a database's password that everybody knows",
    "CWE-1392",
    { ...inProduction, DATABASE_URL: "postgresql://auth:Postgres@db/auth?sslmode=verify-full" },
    "DATABASE_URL has a well-known default password",
  ],
  [
    "the same as a parameter",
    "CWE-1392",
    { ...inProduction, DATABASE_URL: "postgresql://auth@db/auth?sslmode=verify-full&password=changeme" },
    "DATABASE_URL has a well-known default password",
  ],
  // Passwords.
  [
    "hashes that are fast to guess",
    "OWASP Password Storage, RFC 9106",
    { AUTH_ARGON2_ITERATIONS: "1" },
    "is below the OWASP minimum",
  ],
  [
    "hashes with little memory",
    "OWASP Password Storage, RFC 9106",
    { AUTH_ARGON2_MEMORY: "7168" },
    "is below the OWASP minimum",
  ],
  [
    "passwords of 14 as the only factor",
    "NIST SP 800-63B-4 §3.1.1.2",
    { AUTH_PASSWORD_MIN_LENGTH: "14" },
    "AUTH_PASSWORD_MIN_LENGTH must be at least 15",
  ],
  [
    "passwords of 7",
    "ASVS 6.2.1",
    { AUTH_PASSWORD_MIN_LENGTH: "7", AUTH_SECOND_FACTOR: "elsewhere" },
    "AUTH_PASSWORD_MIN_LENGTH must be at least 8",
  ],
  [
    "passwords that may not be long",
    "ASVS 6.2.9",
    { AUTH_PASSWORD_MAX_LENGTH: "63" },
    "AUTH_PASSWORD_MAX_LENGTH must be at least 64",
  ],
  [
    "more guesses than are allowed",
    "NIST SP 800-63B-4 §3.2.2",
    { AUTH_ATTEMPT_LIMIT: "100" },
    "AUTH_ATTEMPT_LIMIT must be at most 99",
  ],
  // What tells more than it should.
  [
    "gRPC that prints metadata",
    "grpc-go GHSA-xr7q",
    { ...inProduction, GRPC_VERBOSITY: "debug" },
    "GRPC_VERBOSITY=DEBUG prints message contents",
  ],
  [
    "gRPC that prints metadata, by Node's name",
    "grpc-go GHSA-xr7q",
    { ...inProduction, GRPC_NODE_VERBOSITY: "DEBUG" },
    "GRPC_NODE_VERBOSITY=DEBUG prints message contents",
  ],
  [
    "Node that prints what it carries",
    "CWE-532",
    { ...inProduction, NODE_DEBUG: "http2" },
    "NODE_DEBUG prints the traffic of connections",
  ],
  [
    "reports with the environment in them",
    "CWE-526",
    { ...inProduction, NODE_OPTIONS: "--report-on-fatalerror" },
    "writes the environment and its secrets to a file",
  ],
  [
    "memory in a file",
    "CWE-528",
    { ...inProduction, NODE_OPTIONS: "--heapsnapshot-signal=SIGUSR2" },
    "writes memory and its secrets to a file",
  ],
  [
    "an inspector in production",
    "CVE-2018-7160, CWE-489",
    { ...inProduction, NODE_OPTIONS: "--inspect" },
    "--inspect lets any client run code",
  ],
  [
    "an inspector by a flag",
    "CVE-2018-7160, CWE-489",
    inProduction,
    "--inspect-brk lets any client run code",
    ["--inspect-brk=9230"],
  ],
  [
    "an inspector that all can reach",
    "CVE-2018-7160, CWE-489",
    { NODE_OPTIONS: "--max-old-space-size=100 --inspect=0.0.0.0:9229" },
    "--inspect lets any client run code and is not loopback: use 127.0.0.1",
  ],
  [
    "an inspector that all can reach, apart",
    "CVE-2018-7160, CWE-489",
    {},
    "--inspect-port lets any client run code and is not loopback: use 127.0.0.1",
    ["--inspect-port", "10.0.0.1:1"],
  ],
  [
    "HTTP that takes what is malformed",
    "CWE-444",
    { NODE_OPTIONS: "--insecure-http-parser" },
    "Node flag --insecure-http-parser allows request smuggling",
  ],
  // What was meant and is not done.
  ["a setting that is misspelt", "CWE-1188", { AUTH_CALERS: "known" }, "unknown setting AUTH_CALERS"],
];

function faults(environment: Environment, flags: readonly string[] = []): readonly string[] {
  try {
    loadConfig(environment, flags);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe("a configuration is unsafe, and refused with a sentence that says why, for", () => {
  test.each(
    rows.map(([what, source, environment, sentence, flags = []]) => ({
      what,
      source,
      environment,
      sentence,
      flags,
    })),
  )("$what ($source)", ({ environment, sentence, flags }) => {
    const said = faults(environment, flags);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain(sentence);
    expect(said[0]).not.toContain("canary");
  });

  test("as many reasons as this", () => {
    figure("unsafe configurations", { "refused to start with": rows.length });
    expect(new Set(rows.map(([what]) => what)).size).toBe(rows.length);
  });
});

describe("a configuration is good", () => {
  test.each<[string, Environment, (readonly string[])?]>([
    ["of nothing", {}],
    ["on a database, in production", inProduction],
    [
      "behind a mesh, with sidecars",
      { ...mesh, NODE_ENV: "production", AUTH_SIDECARS: "127.0.0.6,10.0.0.0/8,fd00::/8" },
    ],
    ["without a database, in production", { ...without("DATABASE_URL"), NODE_ENV: "production" }],
    [
      "with short passwords, where there is another factor",
      { AUTH_PASSWORD_MIN_LENGTH: "8", AUTH_SECOND_FACTOR: "elsewhere" },
    ],
    [
      "with an inspector of one's own",
      { NODE_OPTIONS: "--inspect --inspect-port=9230" },
      ["--inspect=127.0.0.1:0"],
    ],
    [
      "with reports that leave out the environment",
      { ...inProduction, NODE_OPTIONS: "--report-on-fatalerror --report-exclude-env" },
    ],
    ["with gRPC that prints errors", { ...inProduction, GRPC_VERBOSITY: "ERROR" }],
    ["with gRPC that prints all, for developers", { GRPC_VERBOSITY: "DEBUG" }],
    [
      "of the longest times",
      {
        AUTH_ACCESS_TOKEN_LIFETIME: "1h",
        AUTH_SESSION_ABSOLUTE: "8760h",
        AUTH_JWKS_MAX_AGE: "24h",
        AUTH_SIGNING_KEY_ROTATION: "8760h",
        AUTH_REFRESH_LEEWAY: "10m",
      },
    ],
    ...[
      "127.0.0.1/a",
      "localhost/a?sslmode=disable",
      "/a?host=/run/postgresql",
      "db/a?host=/run",
      "[::1]/a",
      "/a",
      "%2Frun/a",
    ].map((url) => [`on the database ${url}`, database(url)] as [string, Environment]),
    ...[
      "sslmode=verify-full",
      "sslmode=verify-ca&sslrootcert=/ca.crt",
      "sslmode=require&sslrootcert=/ca.crt",
    ].map((mode) => [`on a database by ${mode}`, database(`db/a?${mode}`)] as [string, Environment]),
    ["on a database in a network of its own", { ...database("db/a"), AUTH_DATABASE_TLS: "trusted-network" }],
  ])("%s", (_what, environment, flags) => {
    expect(faults(environment, flags)).toEqual([]);
  });
});

describe("a process refuses to start", () => {
  const refused = async (environment: Readonly<Record<string, string | undefined>>) => {
    const service = new ServiceProcess(environment);
    return { code: await service.exited(), says: service.output };
  };

  test("on a database that need not prove who it is, without a word of its password", async () => {
    const { code, says } = await refused({ DATABASE_URL: "postgresql://auth:canary-4@db.example.com/auth" });
    expect(code).toBe(1);
    expect(says).toContain("DATABASE_URL is not loopback and lacks sslmode=verify-full");
    expect(says).not.toContain("canary");
  });

  test("where certificates are not looked at, and where an inspector is open in production", async () => {
    const { code, says } = await refused({
      NODE_TLS_REJECT_UNAUTHORIZED: "0",
      NODE_ENV: "production",
      NODE_OPTIONS: "--inspect=127.0.0.1:0",
    });
    expect(code).toBe(1);
    expect(says).toContain("NODE_TLS_REJECT_UNAUTHORIZED=0 disables certificate checks");
    expect(says).toContain("--inspect lets any client run code");
  });

  // CWE-732.
  test("with a policy, or a certificate, that everybody may change", async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, "policy.json");
    await writeFile(file, "{}");
    await chmod(file, 0o666);
    const dataDir = { AUTH_DATA_DIR: join(folder.path, "data"), AUTH_CALLERS: undefined };
    for (const environment of [
      { AUTH_POLICY_FILE: file },
      { AUTH_TLS: "on", AUTH_TLS_CERT_FILE: file, AUTH_TLS_KEY_FILE: file },
    ]) {
      const { code, says } = await refused({ ...dataDir, ...environment });
      expect(code).toBe(1);
      expect(says).toContain(
        `cannot trust ${file}: ${file} is writable by every user; run: chmod o-w ${file}`,
      );
    }
  });
});
