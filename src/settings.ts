import { z } from "zod";
import { isTrustDomain } from "./domain/caller/spiffe-id.ts";
import { isNetwork } from "./infrastructure/sidecars.ts";
import { longestSocketPath, socketPathOf } from "./infrastructure/unix-socket.ts";

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

const duration = z
  .string()
  .regex(/^\d{1,9}(ms|s|m|h)$/, 'must be a duration such as "500ms", "30s" or "5m"')
  .transform((text) => {
    const [, amount, unit] = /^(\d+)(\w+)$/.exec(text) ?? [];
    return Number(amount) * units[unit as keyof typeof units];
  });

/** A duration of something that takes time. HTTP counts in seconds how long documents may be kept, and tokens how long they are good. */
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
  .refine(
    (text) => /^[\x21-\x7e]{1,512}$/.test(text),
    "must be at most 512 characters of ASCII, without blanks",
  )
  .refine((text) => !/[?#]/.test(text), "must have no query and no fragment")
  .refine((text) => !/^https?:\/\/[^/]*@/.test(text), "must have no user: everybody reads it")
  .refine((text) => !text.endsWith("/"), "must not end in a slash");

const baseUrl = z
  .url({ protocol: /^https?$/, error: 'must be an https:// URL, such as "https://api.pwnedpasswords.com"' })
  .refine((text) => !/[?#@]/.test(text), "must have no user, no query and no fragment")
  .refine((text) => !text.endsWith("/"), "must not end in a slash");

const audiences = z
  .string()
  .regex(
    /^[\x21-\x2b\x2d-\x7e]{1,256}(,[\x21-\x2b\x2d-\x7e]{1,256}){0,99}$/,
    "must be names separated by commas, without blanks",
  )
  .transform((text) => new Set(text.split(",")));

/** Each domain with the file of its authorities, if it has one. */
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

/** Whether browsers send this text as an origin (RFC 6454 §6.2): scheme, host and port, without a default port or a slash. */
function isOrigin(text: string): boolean {
  return /^https?:\/\/[a-z0-9.:[\]-]+$/.test(text) && URL.parse(text)?.origin === text;
}

/** Every environment variable that the service reads. A default in brackets depends on something else. */
export const settings = {
  DATABASE_URL: {
    schema: z.url({ protocol: /^postgres(ql)?$/, error: "must be a postgresql:// URL" }).optional(),
    default: "(embedded PostgreSQL)",
    help: "The CockroachDB or PostgreSQL server to use, with libpq's parameters (sslmode, sslrootcert, …).",
  },
  AUTH_DATABASE_TLS: {
    schema: oneOf("verified", "trusted-network").prefault("verified"),
    help: "verified: a database that is not on loopback must prove who it is (sslmode=verify-full, or sslrootcert). trusted-network: as DATABASE_URL says, because a mesh or a network of its own protects the way.",
  },
  AUTH_DATA_DIR: {
    schema: z.string().min(1).optional(),
    default: "(./data; if root and ./data is closed to others, its path below /var/lib/auth)",
    help: "Where the embedded PostgreSQL keeps its data.",
  },
  AUTH_MIGRATE: {
    schema: oneOf("auto", "check").optional(),
    default: "(auto if embedded, else check)",
    help: "auto makes missing migrations at start; check refuses to start where some are missing.",
  },
  AUTH_DATABASE_POOL_SIZE: {
    schema: integer(2, 1_000).prefault("10"),
    help: "Connections to the database.",
  },
  AUTH_DATABASE_WAIT: {
    schema: duration.prefault("30s"),
    help: "How long to wait at start for a database that is not there yet.",
  },
  AUTH_GRPC_ADDRESS: {
    schema: address.prefault("127.0.0.1:50051"),
    help: "Where gRPC, health and reflection are served: host:port, or unix:/path for a socket of mode 0660.",
  },
  AUTH_HTTP_ADDRESS: {
    schema: address.prefault("127.0.0.1:8080"),
    help: "Where Connect, gRPC-Web, JSON, /.well-known, /livez and /readyz are served: host:port, or unix:/path.",
  },
  AUTH_ISSUER: {
    schema: issuer.optional(),
    default: "(http:// and AUTH_HTTP_ADDRESS if embedded, else required)",
    help: "The `iss` of access tokens: the URL under which verifiers find /.well-known/jwks.json.",
  },
  AUTH_AUDIENCES: {
    schema: audiences.optional(),
    default: "(development if embedded, else required)",
    help: "Who access tokens can be for (`aud`): names or URLs, separated by commas.",
  },
  AUTH_WRAPPING_KEY_FILE: {
    schema: z.string().min(1).optional(),
    default: "(wrapping-key in AUTH_DATA_DIR if embedded, else required)",
    help: "File of the key that wraps private keys and secrets in the database: 32 bytes in base64. More lines are older keys.",
  },
  AUTH_WRAPPING_KEY: {
    schema: z.string().min(1).optional(),
    default: "",
    help: "The same keys themselves, separated by commas, where there is no file.",
  },
  AUTH_SIGNING_ALGORITHM: {
    schema: oneOf("ES256", "EdDSA").prefault("ES256"),
    help: "What the next signing keys sign with.",
  },
  AUTH_SIGNING_KEY_ROTATION: {
    schema: lifetime.prefault("720h"),
    help: "How long a signing key signs.",
  },
  AUTH_JWKS_MAX_AGE: {
    schema: lifetime.prefault("5m"),
    help: "How long verifiers may keep the public keys. A new key is published twice as long before it signs.",
  },
  AUTH_ACCESS_TOKEN_LIFETIME: {
    schema: lifetime.prefault("5m"),
    help: "How long an access token is good.",
  },
  AUTH_SESSION_IDLE: {
    schema: lifetime.prefault("24h"),
    help: "After how long without a refresh a session ends.",
  },
  AUTH_SESSION_ABSOLUTE: {
    schema: lifetime.prefault("720h"),
    help: "After how long a session ends, however often it is refreshed.",
  },
  AUTH_SESSIONS_PER_USER: {
    schema: integer(1, 10_000).prefault("100"),
    help: "Maximum sessions of one user. Beginning one more ends the oldest.",
  },
  AUTH_REFRESH_LEEWAY: {
    schema: duration.prefault("10s"),
    help: "For how long a used refresh token is answered with its successor again.",
  },
  AUTH_EVENT_RETENTION: {
    schema: duration
      .refine((ms) => ms >= 3_600_000, "must be at least 1h")
      .refine((ms) => ms <= 876_000 * 3_600_000, "must be at most 876000h")
      .prefault("2160h"),
    help: "How long what happened is remembered: the events of EventService.",
  },
  AUTH_TLS: {
    schema: oneOf("off", "on", "mesh").prefault("off"),
    help: "off: plaintext, on loopback only. on: TLS by the two files. mesh: plaintext, because a mesh does TLS.",
  },
  AUTH_TLS_CERT_FILE: {
    schema: z.string().min(1).optional(),
    help: "PEM file of the certificate and its chain. Read again when it changes.",
  },
  AUTH_TLS_KEY_FILE: {
    schema: z.string().min(1).optional(),
    help: "PEM file of the private key. Read again when it changes.",
  },
  AUTH_CALLERS: {
    schema: oneOf("anyone", "known").optional(),
    default: "(anyone if embedded, on loopback and not in production, else known)",
    help: "known: every call shows who makes it, by client certificate or key, and the policy says what it may do. anyone: every call may do everything; on loopback only.",
  },
  AUTH_POLICY_FILE: {
    schema: z.string().min(1).optional(),
    default: "",
    help: "JSON file of roles and of which caller has which. Read again when it changes.",
  },
  AUTH_CLIENT_CA_FILE: {
    schema: z.string().min(1).optional(),
    default: "",
    help: "PEM file of the authorities that sign the client certificates of the one trust domain (mTLS). Read again when it changes.",
  },
  AUTH_TRUST_DOMAINS: {
    schema: trustDomains.optional(),
    default: "",
    help: "SPIFFE trust domain of callers with certificates. Several are separated by commas, each with the PEM file of its authorities: a.example=/ca-a.pem,b.example=/ca-b.pem. Without files behind sidecars, which verify.",
  },
  AUTH_SIDECARS: {
    schema: networks.optional(),
    default: "",
    help: "Addresses of the sidecars that may forward their client's certificate (x-forwarded-client-cert). From anywhere else the header means nothing.",
  },
  AUTH_CORS_ORIGINS: {
    schema: origins.optional(),
    default: "",
    help: "Origins of web pages that may call over HTTP (CORS), separated by commas. Pages of other origins may read /.well-known only.",
  },
  AUTH_REFLECTION: {
    schema: oneOf("on", "granted", "off").optional(),
    default: "(on if AUTH_CALLERS is anyone, else granted)",
    help: "on: gRPC reflection for everybody who can connect. granted: for callers with the permission reflection.use.",
  },
  AUTH_MAX_DEADLINE: {
    schema: duration.prefault("15s"),
    help: "The longest that one call may take, whatever deadline it has.",
  },
  AUTH_MAX_WATCH: {
    schema: duration.prefault("1h"),
    help: "The longest that one call may last whose answers are a stream, such as WatchEvents.",
  },
  AUTH_MAX_CONNECTION_AGE: {
    schema: duration.prefault("30m"),
    help: "Maximum age of a connection, ± 10 %. An older one is closed gracefully, so that callers spread over new replicas.",
  },
  AUTH_MAX_RESETS_PER_SECOND: {
    schema: integer(1, 1_000_000).prefault("1000"),
    help: "How many unanswered gRPC calls one connection may cancel in a second before it is closed. Peers in AUTH_SIDECARS are exempt.",
  },
  AUTH_UNREAD_PER_CONNECTION: {
    schema: integer(1, 1_024).prefault("8"),
    help: "MiB that half-sent requests of one connection may hold.",
  },
  AUTH_UNREAD_PER_PROCESS: {
    schema: integer(1, 65_536).prefault("64"),
    help: "MiB that half-sent requests of all connections may hold. Further calls fail with RESOURCE_EXHAUSTED.",
  },
  AUTH_DRAIN_DELAY: {
    schema: duration.prefault("3s"),
    help: "Between SIGTERM and refusing connections: the time in which readiness is seen to be off.",
  },
  AUTH_ARGON2_MEMORY: {
    schema: integer(7_168, 4_194_304).prefault("19456"),
    help: "Memory of one password hash, in KiB.",
  },
  AUTH_ARGON2_ITERATIONS: {
    schema: integer(1, 100).prefault("2"),
    help: "Passes of one password hash.",
  },
  AUTH_ARGON2_PARALLELISM: {
    schema: integer(1, 16).prefault("1"),
    help: "Lanes of one password hash.",
  },
  AUTH_HASH_CONCURRENCY: {
    schema: integer(1, 128).optional(),
    default: "(number of cores)",
    help: "Password hashes that are computed at once.",
  },
  AUTH_HASH_QUEUE: {
    schema: integer(1, 100_000).prefault("128"),
    help: "Password hashes that wait; one more is refused with RESOURCE_EXHAUSTED. A costly imported hash counts as several.",
  },
  AUTH_HASH_MEMORY: {
    schema: integer(7_168, 67_108_864).optional(),
    default: "(262144, or more if AUTH_HASH_CONCURRENCY hashes take more)",
    help: "Memory of the password hashes that are computed at once, in KiB. A hash that takes more is computed alone.",
  },
  AUTH_IMPORT_BCRYPT_COST: {
    schema: integer(4, 15).prefault("13"),
    help: "Maximum cost of a bcrypt hash that is imported.",
  },
  AUTH_IMPORT_ARGON2_MEMORY: {
    schema: integer(64, 262_144).prefault("131072"),
    help: "Maximum memory of an argon2 hash that is imported, in KiB.",
  },
  AUTH_IMPORT_ARGON2_ITERATIONS: {
    schema: integer(1, 16).prefault("4"),
    help: "Maximum passes of an argon2 hash that is imported, at the maximum memory. A hash of half the memory may have twice as many.",
  },
  AUTH_IMPORT_SCRYPT_LOG_N: {
    schema: integer(10, 18).prefault("16"),
    help: "Maximum logarithm of N of a scrypt hash that is imported, with r = 8 and p = 1 or 2; one less for twice the r.",
  },
  AUTH_IMPORT_PBKDF2_ITERATIONS: {
    schema: integer(1_000, 4_000_000).prefault("1000000"),
    help: "Maximum iterations of a PBKDF2 hash that is imported, times the blocks of its output.",
  },
  AUTH_ATTEMPT_LIMIT: {
    schema: integer(3, 99).prefault("10"),
    help: "Failed attempts in a row after which an account is closed, for 30 seconds and then twice as long each time, up to 15 minutes.",
  },
  AUTH_NETWORK_ATTEMPT_LIMIT: {
    schema: integer(10, 1_000_000).prefault("300"),
    help: "Failed attempts of one network (IPv4 /24, IPv6 /56) in 15 minutes, where callers tell the address.",
  },
  AUTH_PASSWORD_MIN_LENGTH: {
    schema: integer(8, 64).prefault("15"),
    help: "The fewest characters of a new password (NIST 800-63B-4 asks for 15 where it is the only factor).",
  },
  AUTH_SECOND_FACTOR: {
    schema: oneOf("none", "elsewhere").prefault("none"),
    help: "elsewhere: callers always ask for another factor besides. Only then may AUTH_PASSWORD_MIN_LENGTH be from 8 to 14.",
  },
  AUTH_PASSWORD_MAX_LENGTH: {
    schema: integer(64, 1_024).prefault("256"),
    help: "The most characters of a new password.",
  },
  AUTH_BREACH_CHECK_URL: {
    schema: baseUrl.optional(),
    help: "Where breached passwords are looked up by the first 5 digits of their SHA-1: GET {url}/range/{prefix}, as HIBP has it. https, or http on loopback.",
  },
  AUTH_BREACH_CHECK_FILE: {
    schema: z.string().min(1).optional(),
    help: "Or a file of them: sorted lines of SHA-1 and count, as HIBP's downloader makes it.",
  },
  AUTH_BREACH_CHECK_ON_FAILURE: {
    schema: oneOf("allow", "refuse").optional(),
    default: "allow",
    help: "What becomes of a new password while breached ones cannot be looked up.",
  },
  AUTH_LOG_LEVEL: {
    schema: oneOf("debug", "info", "warn", "error", "silent").prefault("info"),
    help: "What is logged.",
  },
  AUTH_LOG_FORMAT: {
    schema: oneOf("auto", "json", "pretty").prefault("auto"),
    help: "auto is pretty on a terminal and JSON lines elsewhere.",
  },
} as const satisfies Record<string, { schema: z.ZodType; default?: string; help: string }>;

/** What the settings are once each is parsed by itself. */
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
