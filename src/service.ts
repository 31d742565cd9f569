import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "./config.ts";
import { AuthenticationService } from "./domain/credential/authentication-service.ts";
import { Mutations } from "./domain/request/mutations.ts";
import { UserService } from "./domain/user/user-service.ts";
import { AesPageTokens } from "./infrastructure/crypto/aes-page-tokens.ts";
import { Argon2PasswordHasher } from "./infrastructure/crypto/argon2-password-hasher.ts";
import { lowerHashingThreads } from "./infrastructure/crypto/background-threads.ts";
import { HashPool } from "./infrastructure/crypto/hash-pool.ts";
import { sha256Fingerprint } from "./infrastructure/crypto/sha256-fingerprint.ts";
import type { LocatedDatabase } from "./infrastructure/db/locate-database.ts";
import { openDatabase } from "./infrastructure/db/open-database.ts";
import { sharedSecret } from "./infrastructure/db/shared-secret.ts";
import { createHealth } from "./infrastructure/grpc/health.ts";
import { listenGrpc } from "./infrastructure/grpc/listen-grpc.ts";
import { listenHttp } from "./infrastructure/http/listen-http.ts";
import { toAscii } from "./infrastructure/idna.ts";
import type { Logger } from "./infrastructure/logger.ts";
import { Readiness } from "./infrastructure/readiness.ts";
import { repeatedly } from "./infrastructure/repeatedly.ts";
import { StartError } from "./infrastructure/start-error.ts";
import { loadTlsFiles } from "./infrastructure/tls-files.ts";
import { welcome } from "./infrastructure/welcome.ts";
import { CockroachRepository } from "./interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import type { RelationalRepository } from "./interfaces/relationaldb/relational-repository.ts";
import { unknownMethod } from "./interfaces/rpc/errors.ts";
import { logCalls } from "./interfaces/rpc/interceptors/log-calls.ts";
import { validateRequests, warmUpValidation } from "./interfaces/rpc/interceptors/validate.ts";
import { createRoutes, serviceDescriptors } from "./interfaces/rpc/routes.ts";

/** What calls in flight get to finish once connections are refused. */
const drainGraceMs = 10_000;

export interface ServiceOptions {
  readonly config: Config;
  /** Where the database is, once that is known. */
  readonly location: Promise<LocatedDatabase>;
  readonly logger: Logger;
  /** Ends the service; its reason is the name of the signal that asked for it. */
  readonly stop: AbortSignal;
}

/**
 * The composition root: the service from its database to its last call, top to bottom. Answers once it has stopped.
 * @throws StartError
 */
export async function runService({ config, location, logger, stop }: ServiceOptions): Promise<void> {
  await using resources = new AsyncDisposableStack();

  const log = (line: string) => logger.info(line);
  const database = resources.use(await openDatabase(await location, { ...config, log, signal: stop }));
  const repository = new CockroachRepository(database.pool);
  const pageTokenKey = await sharedSecret(database.pool, "page-tokens");
  const { users, authentication, mutations } = createServices(config, repository, pageTokenKey, logger);

  const routes = createRoutes({ users, authentication });
  const interceptors = [logCalls(logger), validateRequests];
  const tls = config.tls && (await loadTlsFiles({ ...config.tls, onReload: logReload(logger) }));
  resources.defer(() => tls?.close());

  const health = createHealth(serviceDescriptors.map(({ typeName }) => typeName));
  const readiness = resources.use(
    new Readiness({
      ping: (call) => repository.ping(call),
      onChange: (ready, cause) => {
        health.setReady(ready);
        if (cause !== undefined) logger.warn({ err: cause }, "the database has gone: not ready");
        else logger.info(ready ? "ready" : "not ready");
      },
    }),
  );
  resources.use(
    repeatedly({
      task: (call) => mutations.forgetOld(call),
      everyMs: 60_000,
      timeoutMs: 10_000,
      onError: (err) => logger.warn({ err }, "old request ids were not swept"),
    }),
  );

  const report = (err: unknown, path: string) =>
    logger.error({ err, path }, "a call failed before it was one");
  const listen = { routes, interceptors, unknownMethod, report, tls };
  const grpc = await listenGrpc({
    ...listen,
    address: config.grpcAddress,
    health,
    reflection: true,
    options: { maxTimeoutMs: config.maxDeadlineMs, maxConnectionAgeMs: config.maxConnectionAgeMs },
  });
  resources.defer(() => grpc.drain(0));
  const http = await listenHttp({
    ...listen,
    address: config.httpAddress,
    live: () => true,
    ready: () => readiness.ready,
    options: { maxTimeoutMs: config.maxDeadlineMs },
  });
  resources.defer(() => http.drain(0));

  health.setLive(true);
  const addresses = { grpcAddress: grpc.address, httpAddress: http.address };
  const description = { ...addresses, database: database.description, tls: tls !== undefined };
  logger.info({ ...description, readyAfterMs: Math.round(performance.now()) }, "auth is serving");
  if (config.databaseUrl === undefined) {
    process.stderr.write(welcome({ ...description, readyAfterMs: performance.now() }));
  }
  for (const event of ["uncaughtException", "unhandledRejection"]) {
    process.on(event, (err: unknown) => logger.error({ err }, event));
  }
  await lowerHashingThreads();
  await warmUpValidation(serviceDescriptors);

  const reason = await Promise.race([aborted(stop), database.ended]);
  logger.info({ reason }, "stopping");
  setTimeout(() => process.exit(1), config.drainDelayMs + drainGraceMs + 1_500).unref();
  readiness[Symbol.dispose]();
  // An orchestrator sends SIGTERM and needs time to see readiness off; a person sends SIGINT and does not.
  if (reason === "SIGTERM") await sleep(config.drainDelayMs);
  await Promise.all([grpc.drain(drainGraceMs), http.drain(drainGraceMs)]);
  if (!stop.aborted) throw new StartError(reason);
}

function createServices(
  { argon2, hashPool, passwordPolicy }: Config,
  repository: RelationalRepository,
  pageTokenKey: Buffer,
  logger: Logger,
) {
  const hasher = new Argon2PasswordHasher(new HashPool(hashPool), argon2);
  const mutations = new Mutations(repository, hasher, sha256Fingerprint, randomUUID);
  const shared = { repository, mutations, hasher, passwordPolicy, toAscii };
  return {
    mutations,
    users: new UserService({ ...shared, pageTokens: new AesPageTokens(pageTokenKey), newId: randomUUID }),
    authentication: new AuthenticationService({
      ...shared,
      onRehashFailure: (err) => logger.warn({ err }, "a password was not hashed anew"),
    }),
  };
}

function logReload(logger: Logger) {
  return (outcome: { ok: true } | { ok: false; error: Error }) => {
    if (outcome.ok) logger.info("new TLS certificate in use");
    else logger.error({ err: outcome.error }, "the TLS files cannot be used; the old certificate stays");
  };
}

/** The reason of a signal, once it is aborted. */
function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(String(signal.reason));
    signal.addEventListener("abort", () => resolve(String(signal.reason)), { once: true });
  });
}
