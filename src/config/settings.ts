import { z } from "zod";
import { isTrustDomain } from "../domain/caller/spiffe-id.ts";
import { longestSocketPath, socketPathOf } from "../infrastructure/sockets/unix-socket.ts";
import { isNetwork } from "../infrastructure/tls/sidecars.ts";

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

const duration = z
  .string()
  .regex(/^\d{1,9}(ms|s|m|h)$/, 'must be a duration such as "500ms", "30s" or "5m"')
  .transform((text) => {
    const [, amount, unit] = /^(\d+)(\w+)$/.exec(text) ?? [];
    return Number(amount) * units[unit as keyof typeof units];
  });

/** A lifetime, at least one second: HTTP caching and tokens count whole seconds. */
const lifetime = duration.refine((ms) => ms >= 1_000, "must be at least 1s");

const address = z
  .string()
  .regex(
    /^(unix:\/.*[^/]|(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5})$/,
    'must be host:port, such as "127.0.0.1:50051", or unix:/path',
  )
  .refine(
    (text) => socketPathOf(text) !== undefined || Number(text.slice(text.lastIndexOf(":") + 1)) < 65_536,
    "must have a port below 65536",
  )
  .refine(
    (text) => Buffer.byteLength(socketPathOf(text) ?? "") <= longestSocketPath,
    `must have a path of at most ${longestSocketPath} bytes`,
  );

function integer(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));
}

function oneOf<const Choice extends string>(...choices: Choice[]) {
  return z.enum(choices, `must be ${choices.map((choice) => `"${choice}"`).join(" or ")}`);
}

const issuer = z
  .url({ protocol: /^https?$/, error: 'must be an http(s):// URL, such as "https://auth.example.com"' })
  .refine((text) => /^[\x21-\x7e]{1,512}$/.test(text), "must be at most 512 ASCII characters without spaces")
  .refine((text) => !/[?#]/.test(text), "must not have a query or fragment")
  .refine((text) => !/^https?:\/\/[^/]*@/.test(text), "must not contain a user name: tokens publish it")
  .refine((text) => !text.endsWith("/"), "must not end with a slash");

const baseUrl = z
  .url({ protocol: /^https?$/, error: 'must be an https:// URL, such as "https://api.pwnedpasswords.com"' })
  .refine((text) => !/[?#@]/.test(text), "must not have a user name, query or fragment")
  .refine((text) => !text.endsWith("/"), "must not end with a slash");

const audiences = z
  .string()
  .regex(
    /^[\x21-\x2b\x2d-\x7e]{1,256}(,[\x21-\x2b\x2d-\x7e]{1,256}){0,99}$/,
    "must be names separated by commas, without spaces",
  )
  .transform((text) => new Set(text.split(",")));

/** Each domain with its CA file, if it has one. */
const trustDomains = z
  .string()
  .transform((text) => text.split(",").map(nameAndFile))
  .refine(
    (domains) => domains.every(([domain, file]) => isTrustDomain(domain) && file !== ""),
    'must be SPIFFE trust domains separated by commas, each with its CA bundle: "a.example=/ca-a.pem,b.example=/ca-b.pem"',
  )
  .refine(
    (domains) => new Set(domains.map(([domain]) => domain)).size === domains.length,
    "must name each trust domain once",
  )
  .transform((domains): ReadonlyMap<string, string | undefined> => new Map(domains));

function nameAndFile(text: string): [domain: string, file: string | undefined] {
  const equals = text.indexOf("=");
  return equals < 0 ? [text, undefined] : [text.slice(0, equals), text.slice(equals + 1)];
}

const networks = z
  .string()
  .refine(
    (text) => text.split(",").every(isNetwork),
    'must be IP addresses or networks separated by commas, such as "127.0.0.6,10.0.0.0/8"',
  )
  .transform((text) => text.split(","));

const origins = z
  .string()
  .refine(
    (text) => text.split(",").every(isOrigin),
    'must be origins separated by commas, such as "https://app.example.com,http://localhost:3000"',
  )
  .transform((text) => new Set(text.split(",")));

/**
 * Whether browsers send this text as an origin (RFC 6454 §6.2): scheme, host and port, without default port or slash.
 */
function isOrigin(text: string): boolean {
  return /^https?:\/\/[a-z0-9.:[\]-]+$/.test(text) && URL.parse(text)?.origin === text;
}

/** Every environment variable that the service reads. A default in parentheses depends on other settings. */
export const settings = {
  DATABASE_URL: {
    schema: z.url({ protocol: /^postgres(ql)?$/, error: "must be a postgresql:// URL" }).optional(),
    default: "(embedded PostgreSQL)",
    help: "The CockroachDB or PostgreSQL server to use, with libpq's parameters (sslmode, sslrootcert, …).",
  },
  AUTH_DATABASE_TLS: {
    schema: oneOf("verified", "trusted-network").prefault("verified"),
    help: "verified: a database that is not on loopback must present a verified certificate (sslmode=verify-full, or sslrootcert). trusted-network: TLS as in DATABASE_URL, because a mesh or a private network protects the connection.",
  },
  AUTH_DATA_DIR: {
    schema: z.string().min(1).optional(),
    default: "(./data; for root, if other users cannot enter ./data, its path below /var/lib/auth)",
    help: "Data folder of the embedded PostgreSQL.",
  },
  AUTH_MIGRATE: {
    schema: oneOf("auto", "check").optional(),
    default: "(auto if embedded, else check)",
    help: "auto: apply missing migrations at start. check: refuse to start if any are missing.",
  },
  AUTH_DATABASE_POOL_SIZE: {
    schema: integer(2, 1_000).prefault("10"),
    help: "Maximum connections to the database.",
  },
  AUTH_DATABASE_WAIT: {
    schema: duration.prefault("30s"),
    help: "How long to wait for the database at start.",
  },
  AUTH_GRPC_ADDRESS: {
    schema: address.prefault("127.0.0.1:50051"),
    help: "Address of gRPC, health and reflection: host:port, or unix:/path for a socket with mode 0660.",
  },
  AUTH_HTTP_ADDRESS: {
    schema: address.prefault("127.0.0.1:8080"),
    help: "Address of Connect, gRPC-Web, JSON, /.well-known, /livez and /readyz: host:port, or unix:/path.",
  },
  AUTH_ISSUER: {
    schema: issuer.optional(),
    default: "(http:// and AUTH_HTTP_ADDRESS if embedded, else required)",
    help: "Issuer (`iss`) of access tokens: the URL at which verifiers find /.well-known/jwks.json.",
  },
  AUTH_AUDIENCES: {
    schema: audiences.optional(),
    default: "(development if embedded, else required)",
    help: "Audiences (`aud`) that access tokens may have: names or URLs, separated by commas.",
  },
  AUTH_WRAPPING_KEY_FILE: {
    schema: z.string().min(1).optional(),
    default: "(wrapping-key in AUTH_DATA_DIR if embedded, else required)",
    help: "File with the key that encrypts private keys and secrets in the database: 32 bytes in base64. Further lines are older keys.",
  },
  AUTH_WRAPPING_KEY: {
    schema: z.string().min(1).optional(),
    default: "",
    help: "The same keys, separated by commas, instead of a file.",
  },
  AUTH_SIGNING_ALGORITHM: {
    schema: oneOf("ES256", "EdDSA").prefault("ES256"),
    help: "Algorithm of new signing keys.",
  },
  AUTH_SIGNING_KEY_ROTATION: {
    schema: lifetime.prefault("720h"),
    help: "How long a signing key signs before the next one replaces it.",
  },
  AUTH_JWKS_MAX_AGE: {
    schema: lifetime.prefault("5m"),
    help: "How long verifiers may cache the public keys. A new key is published for twice that long before it signs.",
  },
  AUTH_ACCESS_TOKEN_LIFETIME: {
    schema: lifetime.prefault("5m"),
    help: "Lifetime of an access token.",
  },
  AUTH_SESSION_IDLE: {
    schema: lifetime.prefault("24h"),
    help: "A session ends after this time without a refresh.",
  },
  AUTH_SESSION_ABSOLUTE: {
    schema: lifetime.prefault("720h"),
    help: "A session ends after this time, even if it is refreshed.",
  },
  AUTH_SESSIONS_PER_USER: {
    schema: integer(1, 10_000).prefault("100"),
    help: "Maximum sessions of one user. A further session ends the oldest.",
  },
  AUTH_REFRESH_LEEWAY: {
    schema: duration.prefault("10s"),
    help: "How long a used refresh token still returns its successor.",
  },
  AUTH_EVENT_RETENTION: {
    schema: duration
      .refine((ms) => ms >= 3_600_000, "must be at least 1h")
      .refine((ms) => ms <= 876_000 * 3_600_000, "must be at most 876000h")
      .prefault("2160h"),
    help: "How long audit events are kept.",
  },
  AUTH_TLS: {
    schema: oneOf("off", "on", "mesh").prefault("off"),
    help: "off: plaintext, on loopback only. on: TLS with the certificate and key below. mesh: plaintext, because a mesh encrypts the traffic.",
  },
  AUTH_TLS_CERT_FILE: {
    schema: z.string().min(1).optional(),
    help: "PEM file of the certificate chain. Reloaded when it changes.",
  },
  AUTH_TLS_KEY_FILE: {
    schema: z.string().min(1).optional(),
    help: "PEM file of the private key. Reloaded when it changes.",
  },
  AUTH_CALLERS: {
    schema: oneOf("anyone", "known").optional(),
    default: "(anyone if embedded, on loopback and not in production, else known)",
    help: "known: callers authenticate by client certificate or key, and the policy grants their permissions. anyone: every call is permitted; on loopback only.",
  },
  AUTH_POLICY_FILE: {
    schema: z.string().min(1).optional(),
    default: "",
    help: "JSON file of roles and their callers. Reloaded when it changes.",
  },
  AUTH_CLIENT_CA_FILE: {
    schema: z.string().min(1).optional(),
    default: "",
    help: "PEM file of the authorities that sign client certificates (mTLS), if there is one trust domain. Reloaded when it changes.",
  },
  AUTH_TRUST_DOMAINS: {
    schema: trustDomains.optional(),
    default: "",
    help: "SPIFFE trust domains of callers with certificates, separated by commas, each with the PEM file of its authorities: a.example=/ca-a.pem,b.example=/ca-b.pem. A plain name suffices with AUTH_CLIENT_CA_FILE, or behind sidecars, which verify certificates.",
  },
  AUTH_SIDECARS: {
    schema: networks.optional(),
    default: "",
    help: "Addresses of the sidecars that may forward a client certificate (x-forwarded-client-cert). The header is ignored from other addresses.",
  },
  AUTH_CORS_ORIGINS: {
    schema: origins.optional(),
    default: "",
    help: "Web origins that may call over HTTP (CORS), separated by commas. Other origins may read only /.well-known.",
  },
  AUTH_REFLECTION: {
    schema: oneOf("on", "granted", "off").optional(),
    default: "(on if AUTH_CALLERS is anyone, else granted)",
    help: "on: gRPC reflection for every client. granted: for callers with the permission reflection.use.",
  },
  AUTH_MAX_DEADLINE: {
    schema: duration.prefault("15s"),
    help: "Maximum duration of a call, whatever its deadline.",
  },
  AUTH_MAX_WATCH: {
    schema: duration.prefault("1h"),
    help: "Maximum duration of a stream, such as WatchEvents, or ImportUsers over gRPC.",
  },
  AUTH_MAX_CONNECTION_AGE: {
    schema: duration.prefault("30m"),
    help: "Maximum age of a connection, ± 10 %. Older connections are closed gracefully, so that callers spread over new replicas.",
  },
  AUTH_MAX_RESETS_PER_SECOND: {
    schema: integer(1, 1_000_000).prefault("1000"),
    help: "Maximum unanswered gRPC calls that a connection may cancel per second; beyond it the connection is closed. Peers in AUTH_SIDECARS are exempt.",
  },
  AUTH_UNREAD_PER_CONNECTION: {
    schema: integer(1, 1_024).prefault("8"),
    help: "Maximum MiB of incomplete requests of one connection.",
  },
  AUTH_UNREAD_PER_PROCESS: {
    schema: integer(1, 65_536).prefault("64"),
    help: "Maximum MiB of incomplete requests of all connections. Further calls fail with RESOURCE_EXHAUSTED.",
  },
  AUTH_DRAIN_DELAY: {
    schema: duration.prefault("3s"),
    help: "Time between SIGTERM and refusing connections, in which load balancers notice that the service is not ready.",
  },
  AUTH_ARGON2_MEMORY: {
    schema: integer(7_168, 4_194_304).prefault("19456"),
    help: "Memory of one password hash, in KiB.",
  },
  AUTH_ARGON2_ITERATIONS: {
    schema: integer(1, 100).prefault("2"),
    help: "Iterations of one password hash.",
  },
  AUTH_ARGON2_PARALLELISM: {
    schema: integer(1, 16).prefault("1"),
    help: "Parallelism of one password hash.",
  },
  AUTH_HASH_CONCURRENCY: {
    schema: integer(1, 128).optional(),
    default: "(number of cores)",
    help: "Maximum password hashes computed at the same time.",
  },
  AUTH_HASH_QUEUE: {
    schema: integer(1, 100_000).prefault("128"),
    help: "Maximum queued password hashes; further calls fail with RESOURCE_EXHAUSTED. An expensive imported hash counts as several.",
  },
  AUTH_HASH_MEMORY: {
    schema: integer(7_168, 67_108_864).optional(),
    default: "(262144, or more if AUTH_HASH_CONCURRENCY hashes need more)",
    help: "Maximum memory of the password hashes computed at the same time, in KiB. A hash that needs more is computed alone.",
  },
  AUTH_IMPORT_BCRYPT_COST: {
    schema: integer(4, 15).prefault("13"),
    help: "Maximum cost of an imported bcrypt hash.",
  },
  AUTH_IMPORT_ARGON2_MEMORY: {
    schema: integer(64, 262_144).prefault("131072"),
    help: "Maximum memory of an imported argon2 hash, in KiB.",
  },
  AUTH_IMPORT_ARGON2_ITERATIONS: {
    schema: integer(1, 16).prefault("4"),
    help: "Maximum iterations of an imported argon2 hash of the maximum memory. A hash with half the memory may have twice as many.",
  },
  AUTH_IMPORT_SCRYPT_LOG_N: {
    schema: integer(10, 18).prefault("16"),
    help: "Maximum log2(N) of an imported scrypt hash with r = 8 and p = 1 or 2; one less for twice the r.",
  },
  AUTH_IMPORT_PBKDF2_ITERATIONS: {
    schema: integer(1_000, 4_000_000).prefault("1000000"),
    help: "Maximum iterations of an imported PBKDF2 hash, multiplied by the blocks of its output.",
  },
  AUTH_ATTEMPT_LIMIT: {
    schema: integer(3, 99).prefault("10"),
    help: "Consecutive failed attempts that lock an account, for 30 seconds at first and twice as long each time, up to 15 minutes.",
  },
  AUTH_NETWORK_ATTEMPT_LIMIT: {
    schema: integer(10, 1_000_000).prefault("300"),
    help: "Maximum failed attempts of one network (IPv4 /24, IPv6 /56) in 15 minutes, if callers send the client address.",
  },
  AUTH_PASSWORD_MIN_LENGTH: {
    schema: integer(8, 64).prefault("15"),
    help: "Minimum characters of a new password (NIST SP 800-63B-4 requires 15 if it is the only factor).",
  },
  AUTH_SECOND_FACTOR: {
    schema: oneOf("none", "elsewhere").prefault("none"),
    help: "elsewhere: callers always require a second factor, so AUTH_PASSWORD_MIN_LENGTH may be 8 to 14.",
  },
  AUTH_PASSWORD_MAX_LENGTH: {
    schema: integer(64, 1_024).prefault("256"),
    help: "Maximum characters of a new password.",
  },
  AUTH_BREACH_CHECK_URL: {
    schema: baseUrl.optional(),
    help: "API that looks up breached passwords by the first 5 digits of their SHA-1, as HIBP does: GET {url}/range/{prefix}. https, or http on loopback.",
  },
  AUTH_BREACH_CHECK_FILE: {
    schema: z.string().min(1).optional(),
    help: "File of breached passwords, instead of an API: sorted lines of SHA-1 and count, as the HIBP downloader writes it.",
  },
  AUTH_BREACH_CHECK_ON_FAILURE: {
    schema: oneOf("allow", "refuse").optional(),
    default: "allow",
    help: "Whether a new password is allowed or refused while the breach check is unavailable.",
  },
  AUTH_LOG_LEVEL: {
    schema: oneOf("debug", "info", "warn", "error", "silent").prefault("info"),
    help: "Minimum level of log lines.",
  },
  AUTH_LOG_FORMAT: {
    schema: oneOf("auto", "json", "pretty").prefault("auto"),
    help: "auto: pretty on a terminal, JSON lines otherwise.",
  },
} as const satisfies Record<string, { schema: z.ZodType; default?: string; help: string }>;

/** The parsed settings. */
export type Settings = { [Name in keyof typeof settings]: z.output<(typeof settings)[Name]["schema"]> };

/** The settings as a Markdown table, for `--help` and docs/configuration.md. */
export function describeSettings(): string {
  const rows = Object.entries(settings).map(([name, setting]) => {
    const fallback = "default" in setting ? setting.default : (defaultOf(setting.schema) ?? "");
    return `| \`${name}\` | ${fallback} | ${setting.help} |`;
  });
  return ["| setting | default | |", "| --- | --- | --- |", ...rows].join("\n");
}

function defaultOf(schema: z.ZodType): string | undefined {
  return schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault
    ? String(schema.def.defaultValue)
    : undefined;
}
