import { availableParallelism } from "node:os";
import { Secret } from "../domain/secret.ts";
import type { SessionLimits } from "../domain/session/session.ts";
import type { SigningAlgorithm } from "../domain/signing-key/signing-key.ts";
import { type AttemptLimits, attemptLimits } from "../domain/throttle/attempt-limits.ts";
import type { ImportLimits } from "../infrastructure/crypto/password-hashes/effort.ts";
import type { WrappingKeySource } from "../infrastructure/crypto/wrapping-key-source.ts";
import { defaultDataDir } from "../infrastructure/db/embedded-postgres/closed-folder.ts";
import type { BreachedPasswordSource } from "../infrastructure/passwords/open-breached-passwords.ts";
import { StartError } from "../infrastructure/process/start-error.ts";
import type { UnreadLimits } from "../infrastructure/sockets/unread-bytes.ts";
import { contradictions } from "./conflicting-settings.ts";
import { nonLoopbackAddresses } from "./loopback.ts";
import { type Settings, settings } from "./settings.ts";
import { unsafeRuntime } from "./unsafe-runtime.ts";
import { unsafeSettings } from "./unsafe-settings.ts";

const mebibyte = 1024 * 1024;

/** The complete configuration, read once. Times are in milliseconds. */
export interface Config {
  /** The server to use, or undefined for the embedded PostgreSQL under `dataDir`. */
  readonly databaseUrl: Secret | undefined;
  readonly dataDir: string;
  readonly migrate: "auto" | "check";
  readonly databasePoolSize: number;
  readonly databaseWaitMs: number;
  readonly grpcAddress: string;
  readonly httpAddress: string;
  /** Certificate and key files, or undefined for plaintext. */
  readonly tls:
    | {
        readonly certFile: string;
        readonly keyFile: string;
        /** CA files for callers' certificates, by trust domain. If empty, callers are not asked for a certificate. */
        readonly trustBundles: ReadonlyMap<string, string>;
      }
    | undefined;
  readonly callers: {
    readonly anonymous: boolean;
    readonly policyFile: string | undefined;
    readonly trustDomains: ReadonlySet<string>;
    readonly sidecars: readonly string[];
  };
  /** Origins of web pages that may call. */
  readonly corsOrigins: ReadonlySet<string>;
  readonly reflection: "on" | "granted" | "off";
  readonly maxDeadlineMs: number;
  /** Maximum duration of server-streaming calls. */
  readonly maxWatchMs: number;
  readonly maxConnectionAgeMs: number;
  readonly maxResetsPerSecond: number;
  /** Limits of the bytes that incomplete requests may hold. */
  readonly unread: UnreadLimits;
  readonly drainDelayMs: number;
  readonly argon2: { readonly memoryKib: number; readonly iterations: number; readonly parallelism: number };
  readonly hashPool: {
    readonly concurrency: number;
    readonly queueLimit: number;
    readonly memoryKib: number;
  };
  /** Maximum cost of an imported password hash. */
  readonly importLimits: ImportLimits;
  /** `iss` of the access tokens. */
  readonly issuer: string;
  /** The allowed audiences of access tokens. */
  readonly audiences: ReadonlySet<string>;
  readonly wrappingKeys: WrappingKeySource;
  readonly signing: {
    readonly algorithm: SigningAlgorithm;
    readonly rotationMs: number;
    readonly maxAgeMs: number;
    readonly tokenLifetimeMs: number;
  };
  readonly sessionLimits: SessionLimits;
  /** How long audit events are kept. */
  readonly eventRetentionMs: number;
  readonly attempts: AttemptLimits;
  readonly passwordPolicy: { readonly minLength: number; readonly maxLength: number };
  /** The source of breached passwords, or undefined if passwords are not checked. */
  readonly breachedPasswords: BreachedPasswordSource | undefined;
  /** Whether a new password is accepted while the source is unavailable. */
  readonly onBreachCheckFailure: "allow" | "refuse";
  readonly log: { readonly level: string; readonly format: "auto" | "json" | "pretty" };
}

/** The environment contains invalid settings. Lists every fault, one per line. */
export class ConfigError extends StartError {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(
      [
        "invalid configuration:",
        ...faults.map((fault) => `  ${fault}`),
        "Run with --help for the list of settings.",
      ].join("\n"),
    );
    this.faults = faults;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration from an environment.
 * @param flags the flags that Node itself was started with
 * @throws ConfigError with all faults
 */
export function loadConfig(env: Environment, flags: readonly string[] = []): Config {
  const faults: string[] = [...unknownSettings(env), ...emptyRequiredSettings(env)];
  const values = parseSettings(env, faults);
  const inProduction = env["NODE_ENV"] === "production";
  faults.push(...contradictions(values, inProduction));
  faults.push(...unsafeSettings(values, inProduction, env["PGHOST"]));
  faults.push(...unsafeRuntime(env, flags, inProduction));
  if (faults.length > 0) throw new ConfigError(faults);
  return toConfig(values as Settings, inProduction);
}

/** Variables that Kubernetes sets in every pod if the namespace has a Service called "auth". */
const kubernetesServiceLink =
  /^AUTH_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)$/;

function unknownSettings(env: Environment): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith("AUTH_") && !Object.hasOwn(settings, name))
    .filter((name) => !kubernetesServiceLink.test(name))
    .map((name) => `unknown setting ${name}`);
}

/**
 * An empty variable normally counts as unset. With these, the service would run without a name (OpenFGA
 * CVE-2026-55689).
 */
function emptyRequiredSettings(env: Environment): string[] {
  return ["AUTH_ISSUER", "AUTH_AUDIENCES"]
    .filter((name) => env[name] === "")
    .map((name) => `${name} is empty: set a value or unset the variable`);
}

/** Returns the valid values, and adds the invalid ones to `faults`. */
function parseSettings(env: Environment, faults: string[]): Partial<Settings> {
  const values: Record<string, unknown> = {};
  for (const [name, { schema }] of Object.entries(settings)) {
    // Many deployments use an empty variable for "not set".
    const result = schema.safeParse(env[name] === "" ? undefined : env[name]);
    if (result.success) values[name] = result.data;
    // Without the value: DATABASE_URL contains a password.
    else faults.push(`${name} ${result.error.issues[0]?.message}`);
  }
  return values;
}

/** Whether anonymous callers are allowed. If AUTH_CALLERS is not set: only in local development. */
function isAnonymous(values: Settings, inProduction: boolean): boolean {
  if (values.AUTH_CALLERS !== undefined) return values.AUTH_CALLERS === "anyone";
  const identifiesCallers = values.AUTH_POLICY_FILE ?? values.AUTH_TRUST_DOMAINS;
  const local = nonLoopbackAddresses(values).length === 0;
  return (
    values.DATABASE_URL === undefined &&
    local &&
    !inProduction &&
    values.AUTH_TLS !== "mesh" &&
    !identifiesCallers
  );
}

function toConfig(values: Settings, inProduction: boolean): Config {
  const { AUTH_TLS_CERT_FILE: certFile, AUTH_TLS_KEY_FILE: keyFile } = values;
  const anonymous = isAnonymous(values, inProduction);
  const dataDir = values.AUTH_DATA_DIR ?? defaultDataDir();
  return {
    databaseUrl: values.DATABASE_URL === undefined ? undefined : new Secret(values.DATABASE_URL),
    dataDir,
    migrate: values.AUTH_MIGRATE ?? (values.DATABASE_URL === undefined ? "auto" : "check"),
    databasePoolSize: values.AUTH_DATABASE_POOL_SIZE,
    databaseWaitMs: values.AUTH_DATABASE_WAIT,
    grpcAddress: values.AUTH_GRPC_ADDRESS,
    httpAddress: values.AUTH_HTTP_ADDRESS,
    tls:
      certFile === undefined || keyFile === undefined
        ? undefined
        : { certFile, keyFile, trustBundles: trustBundles(values) },
    callers: {
      anonymous,
      policyFile: values.AUTH_POLICY_FILE,
      trustDomains: new Set(values.AUTH_TRUST_DOMAINS?.keys()),
      sidecars: values.AUTH_SIDECARS ?? [],
    },
    corsOrigins: values.AUTH_CORS_ORIGINS ?? new Set(),
    reflection: values.AUTH_REFLECTION ?? (anonymous ? "on" : "granted"),
    maxDeadlineMs: values.AUTH_MAX_DEADLINE,
    maxWatchMs: values.AUTH_MAX_WATCH,
    maxConnectionAgeMs: values.AUTH_MAX_CONNECTION_AGE,
    maxResetsPerSecond: values.AUTH_MAX_RESETS_PER_SECOND,
    unread: {
      perConnection: values.AUTH_UNREAD_PER_CONNECTION * mebibyte,
      perProcess: values.AUTH_UNREAD_PER_PROCESS * mebibyte,
    },
    drainDelayMs: values.AUTH_DRAIN_DELAY,
    argon2: {
      memoryKib: values.AUTH_ARGON2_MEMORY,
      iterations: values.AUTH_ARGON2_ITERATIONS,
      parallelism: values.AUTH_ARGON2_PARALLELISM,
    },
    hashPool: hashPool(values),
    importLimits: {
      bcryptCost: values.AUTH_IMPORT_BCRYPT_COST,
      argon2MemoryKib: values.AUTH_IMPORT_ARGON2_MEMORY,
      argon2Iterations: values.AUTH_IMPORT_ARGON2_ITERATIONS,
      scryptLogN: values.AUTH_IMPORT_SCRYPT_LOG_N,
      pbkdf2Iterations: values.AUTH_IMPORT_PBKDF2_ITERATIONS,
    },
    issuer: values.AUTH_ISSUER ?? `http://${values.AUTH_HTTP_ADDRESS}`,
    audiences: values.AUTH_AUDIENCES ?? new Set(["development"]),
    wrappingKeys: wrappingKeySource(values, dataDir),
    signing: {
      algorithm: values.AUTH_SIGNING_ALGORITHM,
      rotationMs: values.AUTH_SIGNING_KEY_ROTATION,
      maxAgeMs: values.AUTH_JWKS_MAX_AGE,
      tokenLifetimeMs: values.AUTH_ACCESS_TOKEN_LIFETIME,
    },
    sessionLimits: {
      idleMs: values.AUTH_SESSION_IDLE,
      absoluteMs: values.AUTH_SESSION_ABSOLUTE,
      leewayMs: values.AUTH_REFRESH_LEEWAY,
      perUser: values.AUTH_SESSIONS_PER_USER,
    },
    eventRetentionMs: values.AUTH_EVENT_RETENTION,
    attempts: attemptLimits(values.AUTH_ATTEMPT_LIMIT, values.AUTH_NETWORK_ATTEMPT_LIMIT),
    passwordPolicy: {
      minLength: values.AUTH_PASSWORD_MIN_LENGTH,
      maxLength: values.AUTH_PASSWORD_MAX_LENGTH,
    },
    breachedPasswords: breachedPasswordSource(values),
    onBreachCheckFailure: values.AUTH_BREACH_CHECK_ON_FAILURE ?? "allow",
    log: { level: values.AUTH_LOG_LEVEL, format: values.AUTH_LOG_FORMAT },
  };
}

function hashPool(values: Settings): Config["hashPool"] {
  const concurrency = values.AUTH_HASH_CONCURRENCY ?? availableParallelism();
  const memoryKib = values.AUTH_HASH_MEMORY ?? Math.max(262_144, concurrency * values.AUTH_ARGON2_MEMORY);
  return { concurrency, queueLimit: values.AUTH_HASH_QUEUE, memoryKib };
}

/** CA files by trust domain. AUTH_CLIENT_CA_FILE is the bundle of the only domain, if it is set. */
function trustBundles({
  AUTH_TRUST_DOMAINS: domains = new Map<string, string | undefined>(),
  AUTH_CLIENT_CA_FILE: caFile,
}: Settings): ReadonlyMap<string, string> {
  return new Map(
    [...domains].flatMap(([domain, file = caFile]) => (file === undefined ? [] : [[domain, file]])),
  );
}

function breachedPasswordSource(values: Settings): BreachedPasswordSource | undefined {
  const { AUTH_BREACH_CHECK_URL: url, AUTH_BREACH_CHECK_FILE: file } = values;
  if (file !== undefined) return { file };
  return url === undefined ? undefined : { url: new Secret(url) };
}

function wrappingKeySource(values: Settings, dataDir: string): WrappingKeySource {
  const { AUTH_WRAPPING_KEY_FILE: file, AUTH_WRAPPING_KEY: value } = values;
  if (file !== undefined) return { file };
  return value === undefined ? { madeIn: dataDir } : { value: new Secret(value) };
}
