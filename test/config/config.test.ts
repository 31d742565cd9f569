import { availableParallelism } from "node:os";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/config.ts";
import { describeSettings, settings } from "../../src/config/settings.ts";
import { faultsOf } from "../support/faults-of.ts";

/** What a service on a database that it shares must be told at least. */
const shared = {
  DATABASE_URL: "postgresql://db/auth?sslmode=verify-full",
  AUTH_ISSUER: "https://auth.example.com",
  AUTH_AUDIENCES: "orders,https://bills.example.com",
  AUTH_WRAPPING_KEY_FILE: "/run/secrets/wrapping-key",
};

describe("a configuration", () => {
  test("of nothing is the defaults", () => {
    expect(loadConfig({})).toEqual({
      databaseUrl: undefined,
      corsOrigins: new Set(),
      dataDir: "./data",
      migrate: "auto",
      databasePoolSize: 10,
      databaseWaitMs: 30_000,
      grpcAddress: "127.0.0.1:50051",
      httpAddress: "127.0.0.1:8080",
      tls: undefined,
      callers: { anonymous: true, policyFile: undefined, trustDomains: new Set(), sidecars: [] },
      reflection: "on",
      maxDeadlineMs: 15_000,
      maxWatchMs: 3_600_000,
      eventRetentionMs: 2_160 * 3_600_000,
      maxConnectionAgeMs: 1_800_000,
      maxResetsPerSecond: 1_000,
      unread: { perConnection: 8 * 1024 * 1024, perProcess: 64 * 1024 * 1024 },
      drainDelayMs: 3_000,
      argon2: { memoryKib: 19_456, iterations: 2, parallelism: 1 },
      hashPool: { concurrency: availableParallelism(), queueLimit: 128, memoryKib: 262_144 },
      importLimits: {
        bcryptCost: 13,
        argon2MemoryKib: 131_072,
        argon2Iterations: 4,
        scryptLogN: 16,
        pbkdf2Iterations: 1_000_000,
      },
      issuer: "http://127.0.0.1:8080",
      audiences: new Set(["development"]),
      wrappingKeys: { madeIn: "./data" },
      signing: {
        algorithm: "ES256",
        rotationMs: 30 * 24 * 3_600_000,
        maxAgeMs: 300_000,
        tokenLifetimeMs: 300_000,
      },
      sessionLimits: {
        idleMs: 24 * 3_600_000,
        absoluteMs: 30 * 24 * 3_600_000,
        leewayMs: 10_000,
        perUser: 100,
      },
      attempts: {
        free: 10,
        locksMs: [30_000, 60_000, 120_000, 240_000, 480_000, 900_000],
        cap: 100,
        knownDeviceCap: 20,
        networkLimit: 300,
        windowMs: 900_000,
      },
      passwordPolicy: { minLength: 15, maxLength: 256 },
      breachedPasswords: undefined,
      onBreachCheckFailure: "allow",
      log: { level: "info", format: "auto" },
    });
  });

  test("migrates by itself only what is embedded, unless told otherwise", () => {
    expect(loadConfig(shared).migrate).toBe("check");
    expect(loadConfig({ ...shared, AUTH_MIGRATE: "auto" }).migrate).toBe("auto");
    expect(loadConfig({ AUTH_MIGRATE: "check" }).migrate).toBe("check");
  });

  test("takes an empty variable for one that is not set", () => {
    const env = { AUTH_TLS: "", DATABASE_URL: "", AUTH_LOG_LEVEL: "" };
    const keys = { AUTH_WRAPPING_KEY_FILE: "", AUTH_WRAPPING_KEY: "", AUTH_SESSION_IDLE: "" };
    expect(loadConfig({ ...env, ...keys })).toEqual(loadConfig({}));
  });

  test("reads durations in their units", () => {
    for (const [text, ms] of Object.entries({
      "250ms": 250,
      "30s": 30_000,
      "5m": 300_000,
      "2h": 7_200_000,
    })) {
      expect(loadConfig({ AUTH_MAX_DEADLINE: text }).maxDeadlineMs).toBe(ms);
    }
    expect(faultsOf({ AUTH_EVENT_RETENTION: "59m" })[0]).toContain("must be at least 1h");
    expect(faultsOf({ AUTH_EVENT_RETENTION: "876001h" })[0]).toContain("must be at most 876000h");
    expect(faultsOf({ AUTH_MAX_DEADLINE: "15" })[0]).toContain('must be a duration such as "500ms"');
  });

  test.each([
    "postgresql://auth:secret@db:26257/auth?sslmode=verify-full&sslrootcert=/ca.crt",
    "postgres://db/auth?sslmode=verify-full",
    "postgresql:///auth?host=/run/postgresql",
  ])("takes %s", (url) => {
    expect(loadConfig({ ...shared, DATABASE_URL: url }).databaseUrl?.reveal()).toBe(url);
  });

  test("does not mind what Kubernetes sets beside a Service that is called auth", () => {
    const env = {
      AUTH_SERVICE_HOST: "10.0.0.1",
      AUTH_SERVICE_PORT: "50051",
      AUTH_SERVICE_PORT_GRPC: "50051",
      AUTH_PORT: "tcp://10.0.0.1:50051",
      AUTH_PORT_50051_TCP: "tcp://10.0.0.1:50051",
      AUTH_PORT_50051_TCP_PROTO: "tcp",
      AUTH_PORT_50051_TCP_PORT: "50051",
      AUTH_PORT_50051_TCP_ADDR: "10.0.0.1",
    };
    expect(loadConfig(env)).toEqual(loadConfig({}));
  });
});

test("Unix sockets count as loopback: everybody may call, in plaintext", () => {
  const env = {
    AUTH_GRPC_ADDRESS: "unix:/run/auth/grpc.sock",
    AUTH_HTTP_ADDRESS: "unix:/run/auth/http.sock",
    AUTH_ISSUER: "https://auth.test",
  };
  for (const more of [{}, { AUTH_CALLERS: "anyone" }]) {
    const { callers, grpcAddress } = loadConfig({ ...env, ...more });
    expect([callers.anonymous, grpcAddress]).toEqual([true, "unix:/run/auth/grpc.sock"]);
  }
});

describe("a configuration is refused", () => {
  const tls = { AUTH_TLS_CERT_FILE: "/tls.crt", AUTH_TLS_KEY_FILE: "/tls.key" };

  test.each([
    "*",
    "null",
    "app.example.com",
    "https://app.example.com/",
    "https://app.example.com/path",
    "https://app.example.com:443",
    "https://APP.example.com",
    "https://*.example.com",
    "https://user@app.example.com",
    "https://app.example.com,",
    "https://app.example.com, https://other.example.com",
    "ftp://app.example.com",
  ])("with the CORS origin %j", (AUTH_CORS_ORIGINS) => {
    expect(() => loadConfig({ AUTH_CORS_ORIGINS })).toThrow("AUTH_CORS_ORIGINS must be origins");
  });

  test.each([
    ["a name that it does not know", { AUTH_GPRC_ADDRESS: "x" }, "unknown setting AUTH_GPRC_ADDRESS"],
    [
      "a database that it cannot use",
      { DATABASE_URL: "mysql://db/auth" },
      "DATABASE_URL must be a postgresql:// URL",
    ],
    [
      "a key in a file and in the environment",
      { AUTH_WRAPPING_KEY_FILE: "/key", AUTH_WRAPPING_KEY: "x" },
      "AUTH_WRAPPING_KEY_FILE and AUTH_WRAPPING_KEY are both set: unset one",
    ],
    ["an algorithm that there is not", { AUTH_SIGNING_ALGORITHM: "RS256" }, 'must be "ES256" or "EdDSA"'],
    [
      "a session that is idle longer than it lasts",
      { AUTH_SESSION_IDLE: "721h" },
      "AUTH_SESSION_IDLE must not be longer than AUTH_SESSION_ABSOLUTE",
    ],
    [
      "tokens that outlive an idle session",
      { AUTH_ACCESS_TOKEN_LIFETIME: "1h", AUTH_SESSION_IDLE: "59m" },
      "AUTH_ACCESS_TOKEN_LIFETIME must not be longer than AUTH_SESSION_IDLE",
    ],
    [
      "a leeway that is longer than a session may be idle",
      {
        AUTH_ACCESS_TOKEN_LIFETIME: "1m",
        AUTH_REFRESH_LEEWAY: "10m",
        AUTH_SESSION_IDLE: "9m",
      },
      "AUTH_REFRESH_LEEWAY must not be longer than AUTH_SESSION_IDLE",
    ],
    [
      "keys that come faster than they are published",
      { AUTH_JWKS_MAX_AGE: "5m", AUTH_SIGNING_KEY_ROTATION: "899s" },
      "AUTH_SIGNING_KEY_ROTATION must be at least three times AUTH_JWKS_MAX_AGE",
    ],
    ["an address without a port", { AUTH_GRPC_ADDRESS: "localhost" }, "AUTH_GRPC_ADDRESS must be host:port"],
    [
      "a port that there is not",
      { AUTH_GRPC_ADDRESS: "localhost:65536" },
      "AUTH_GRPC_ADDRESS must have a port below",
    ],
    ["a socket without a path", { AUTH_GRPC_ADDRESS: "unix:" }, "AUTH_GRPC_ADDRESS must be host:port"],
    [
      "a socket in a relative path",
      { AUTH_GRPC_ADDRESS: "unix:a.sock" },
      "AUTH_GRPC_ADDRESS must be host:port",
    ],
    ["a socket that is a folder", { AUTH_GRPC_ADDRESS: "unix:/run/" }, "AUTH_GRPC_ADDRESS must be host:port"],
    [
      "a socket with a long path",
      { AUTH_GRPC_ADDRESS: `unix:/${"x".repeat(107)}` },
      "AUTH_GRPC_ADDRESS must have a path of at most 107 bytes",
    ],
    [
      "one socket for both",
      { AUTH_GRPC_ADDRESS: "unix:/a", AUTH_HTTP_ADDRESS: "unix:/a", AUTH_ISSUER: "https://auth.test" },
      "AUTH_GRPC_ADDRESS and AUTH_HTTP_ADDRESS name the same socket: choose two paths",
    ],
    [
      "keys behind a socket without an issuer",
      { AUTH_HTTP_ADDRESS: "unix:/a" },
      "AUTH_ISSUER must be set if AUTH_HTTP_ADDRESS is a socket (unix:/a",
    ],
    ["a pool of one", { AUTH_DATABASE_POOL_SIZE: "1" }, "AUTH_DATABASE_POOL_SIZE must be at least 2"],
    ["a number that is none", { AUTH_HASH_QUEUE: "1e3" }, "AUTH_HASH_QUEUE must be a whole number"],
    ["a choice that there is not", { AUTH_MIGRATE: "yes" }, 'AUTH_MIGRATE must be "auto" or "check"'],
    [
      "hashes below the floor",
      { AUTH_ARGON2_ITERATIONS: "1" },
      "AUTH_ARGON2_MEMORY=19456 with AUTH_ARGON2_ITERATIONS=1",
    ],
    ["passwords of 7", { AUTH_PASSWORD_MIN_LENGTH: "7" }, "AUTH_PASSWORD_MIN_LENGTH must be at least 8"],
    [
      "breached passwords in two places",
      { AUTH_BREACH_CHECK_URL: "https://breaches.example.com", AUTH_BREACH_CHECK_FILE: "/breaches.txt" },
      "AUTH_BREACH_CHECK_URL and AUTH_BREACH_CHECK_FILE are both set: unset one",
    ],
    [
      "breached passwords over plaintext",
      { AUTH_BREACH_CHECK_URL: "http://breaches.example.com" },
      "AUTH_BREACH_CHECK_URL must be https unless it is loopback",
    ],
    [
      "breached passwords on what looks like loopback",
      { AUTH_BREACH_CHECK_URL: "http://127.0.0.1.example.com" },
      "AUTH_BREACH_CHECK_URL must be https unless it is loopback",
    ],
    [
      "breached passwords by another protocol",
      { AUTH_BREACH_CHECK_URL: "ftp://breaches.example.com" },
      "AUTH_BREACH_CHECK_URL must be an https:// URL",
    ],
    [
      "breached passwords behind a password",
      { AUTH_BREACH_CHECK_URL: "https://me:hunter2@breaches.example.com" },
      "AUTH_BREACH_CHECK_URL must not have a user name, query or fragment",
    ],
    [
      "breached passwords behind a slash too many",
      { AUTH_BREACH_CHECK_URL: "https://breaches.example.com/" },
      "AUTH_BREACH_CHECK_URL must not end with a slash",
    ],
    [
      "what to do when a check fails that is not made",
      { AUTH_BREACH_CHECK_ON_FAILURE: "refuse" },
      "AUTH_BREACH_CHECK_ON_FAILURE needs AUTH_BREACH_CHECK_URL or AUTH_BREACH_CHECK_FILE",
    ],
    [
      "a third way out of a check that fails",
      { AUTH_BREACH_CHECK_FILE: "/breaches.txt", AUTH_BREACH_CHECK_ON_FAILURE: "warn" },
      'AUTH_BREACH_CHECK_ON_FAILURE must be "allow" or "refuse"',
    ],
    [
      "plaintext on every interface",
      { AUTH_GRPC_ADDRESS: "0.0.0.0:1" },
      "AUTH_GRPC_ADDRESS 0.0.0.0:1 is not loopback",
    ],
    [
      "plaintext on a name",
      { AUTH_HTTP_ADDRESS: "example.com:1", AUTH_ISSUER: "https://auth.test" },
      "AUTH_HTTP_ADDRESS example.com:1 is not loopback",
    ],
    [
      "plaintext on all of IPv6",
      { AUTH_HTTP_ADDRESS: "[::]:1", AUTH_ISSUER: "https://auth.test" },
      "AUTH_HTTP_ADDRESS [::]:1 is not loopback",
    ],
    ["TLS without files", { AUTH_TLS: "on" }, "AUTH_TLS=on needs AUTH_TLS_CERT_FILE and AUTH_TLS_KEY_FILE"],
    ["files without TLS", tls, "AUTH_TLS_CERT_FILE and AUTH_TLS_KEY_FILE need AUTH_TLS=on"],
    ["files and a mesh", { ...tls, AUTH_TLS: "mesh" }, "need AUTH_TLS=on; it is mesh"],
  ])("for %s", (_name, env, fault) => {
    const faults = faultsOf(env as Record<string, string>);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(fault);
  });

  test("for all its faults at once, of every kind", () => {
    const env = {
      AUTH_X: "",
      AUTH_HASH_QUEUE: "x",
      AUTH_GRPC_ADDRESS: "0.0.0.0:1",
      AUTH_ARGON2_ITERATIONS: "1",
    };
    expect(faultsOf(env)).toHaveLength(4);
  });

  test("without a word of what was given for a secret", () => {
    const faults = faultsOf({
      DATABASE_URL: "mysql://root:hunter2@db",
      AUTH_WRAPPING_KEY: "hunter3",
      AUTH_WRAPPING_KEY_FILE: "/key",
      AUTH_BREACH_CHECK_URL: "http://breaches.example.com/hunter4",
    });
    expect(faults).toHaveLength(3);
    expect(faults.join()).not.toMatch(/hunter/);
  });
});

describe("breached passwords", () => {
  test.each([
    "https://api.pwnedpasswords.com",
    "https://breaches.example.com:8443/v1/key",
    "http://127.0.0.1:9",
    "http://localhost:9/breaches",
    "http://[::1]:9",
  ])("are looked up behind %s", (url) => {
    const source = loadConfig({ AUTH_BREACH_CHECK_URL: url }).breachedPasswords;
    expect(source && "url" in source && source.url.reveal()).toBe(url);
  });

  test("are looked up in a file, and a password waits for that where it is so said", () => {
    const env = { AUTH_BREACH_CHECK_FILE: "/breaches.txt", AUTH_BREACH_CHECK_ON_FAILURE: "refuse" };
    const { breachedPasswords, onBreachCheckFailure } = loadConfig(env);
    expect({ breachedPasswords, onBreachCheckFailure }).toEqual({
      breachedPasswords: { file: "/breaches.txt" },
      onBreachCheckFailure: "refuse",
    });
  });
});

describe("off loopback", () => {
  test.each(["127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1"])("%s is loopback", (address) => {
    expect(loadConfig({ AUTH_GRPC_ADDRESS: address }).grpcAddress).toBe(address);
  });

  test("a mesh or TLS is enough", () => {
    const addresses = { AUTH_GRPC_ADDRESS: "0.0.0.0:1", AUTH_HTTP_ADDRESS: "[::]:2" };
    expect(
      loadConfig({ ...addresses, AUTH_ISSUER: "https://auth.test", AUTH_TLS: "mesh" }).tls,
    ).toBeUndefined();
    const files = { AUTH_TLS: "on", AUTH_TLS_CERT_FILE: "/c", AUTH_TLS_KEY_FILE: "/k" };
    expect(loadConfig({ ...addresses, AUTH_ISSUER: "https://auth.test", ...files }).tls).toEqual({
      certFile: "/c",
      keyFile: "/k",
      trustBundles: new Map(),
    });
  });
});

describe("trust domains", () => {
  const known = {
    AUTH_TLS: "on",
    AUTH_TLS_CERT_FILE: "/c",
    AUTH_TLS_KEY_FILE: "/k",
    AUTH_POLICY_FILE: "/p",
  };

  test.each<[string, Record<string, string>, [string, string][], string[]]>([
    [
      "one, and the bundle of AUTH_CLIENT_CA_FILE",
      { AUTH_TRUST_DOMAINS: "a.test", AUTH_CLIENT_CA_FILE: "/a" },
      [["a.test", "/a"]],
      ["a.test"],
    ],
    [
      "several, each with its bundle",
      { AUTH_TRUST_DOMAINS: "a.test=/a,b.test=/b=c" },
      [
        ["a.test", "/a"],
        ["b.test", "/b=c"],
      ],
      ["a.test", "b.test"],
    ],
    [
      "some of which only sidecars show",
      { AUTH_TRUST_DOMAINS: "a.test=/a,b.test", AUTH_SIDECARS: "10.0.0.1" },
      [["a.test", "/a"]],
      ["a.test", "b.test"],
    ],
  ])("%s", (_what, environment, bundles, domains) => {
    const { tls, callers } = loadConfig({ ...known, ...environment });
    expect([...(tls?.trustBundles ?? [])]).toEqual(bundles);
    expect([...callers.trustDomains]).toEqual(domains);
  });

  test("several behind a mesh, whose sidecars verify", () => {
    const mesh = { AUTH_TLS: "mesh", AUTH_SIDECARS: "10.0.0.1", AUTH_POLICY_FILE: "/p" };
    const { callers } = loadConfig({ ...mesh, AUTH_TRUST_DOMAINS: "a.test,b.test" });
    expect([...callers.trustDomains]).toEqual(["a.test", "b.test"]);
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ["of a strange name", { AUTH_TRUST_DOMAINS: "A.test=/a" }, /must be SPIFFE trust domains/],
    ["with an empty bundle", { AUTH_TRUST_DOMAINS: "a.test=" }, /must be SPIFFE trust domains/],
    ["named twice", { AUTH_TRUST_DOMAINS: "a.test=/a,a.test=/b" }, /must name each trust domain once/],
    [
      "several with one bundle",
      { AUTH_TRUST_DOMAINS: "a.test,b.test", AUTH_CLIENT_CA_FILE: "/a" },
      /give each trust domain its own, such as AUTH_TRUST_DOMAINS=a\.example=\/ca-a\.pem/,
    ],
    [
      "several with one bundle, also beside sidecars",
      { AUTH_TRUST_DOMAINS: "a.test,b.test", AUTH_CLIENT_CA_FILE: "/a", AUTH_SIDECARS: "10.0.0.1" },
      /give each trust domain its own/,
    ],
    [
      "with a bundle of its own and AUTH_CLIENT_CA_FILE",
      { AUTH_TRUST_DOMAINS: "a.test=/a", AUTH_CLIENT_CA_FILE: "/a" },
      /unset it and give each trust domain its own/,
    ],
    [
      "several with the same file",
      { AUTH_TRUST_DOMAINS: "a.test=/a,b.test=/a" },
      /gives a\.test and b\.test the same CA bundle \/a: each needs its own/,
    ],
    [
      "of which one lacks its bundle",
      { AUTH_TRUST_DOMAINS: "a.test=/a,b.test" },
      /lacks the CA bundle of b\.test: set b\.test=\/path\/to\/ca\.pem/,
    ],
    [
      "with nothing to verify by",
      { AUTH_TRUST_DOMAINS: "a.test" },
      /needs AUTH_CLIENT_CA_FILE or AUTH_SIDECARS/,
    ],
    [
      "with bundles and without TLS",
      { AUTH_TRUST_DOMAINS: "a.test=/a", AUTH_TLS: "mesh", AUTH_TLS_CERT_FILE: "", AUTH_TLS_KEY_FILE: "" },
      /names CA bundles, which need AUTH_TLS=on/,
    ],
  ])("%s are refused", (_what, environment, message) => {
    expect(() => loadConfig({ ...known, ...environment })).toThrow(message);
  });
});

test("the table has a row for each setting", () => {
  expect(
    describeSettings()
      .split("\n")
      .slice(2)
      .map((row) => row.split("`")[1]),
  ).toEqual(Object.keys(settings));
});
