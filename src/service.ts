import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "./config/config.ts";
import { type Call, ownCall, ownCallWithin } from "./domain/call.ts";
import type { Callers } from "./domain/caller/callers.ts";
import { DomainError } from "./domain/errors.ts";
import type { KeyRing } from "./domain/signing-key/key-ring.ts";
import { lowerHashingThreads } from "./infrastructure/crypto/background-threads.ts";
import type { LocatedDatabase } from "./infrastructure/db/locate-database.ts";
import { openDatabase } from "./infrastructure/db/open-database.ts";
import type { Reload } from "./infrastructure/files/watched-files.ts";
import { createHealth } from "./infrastructure/grpc/health.ts";
import { listenGrpc } from "./infrastructure/grpc/listen-grpc.ts";
import { listenHttp } from "./infrastructure/http/listen-http.ts";
import { openBreachedPasswords } from "./infrastructure/passwords/open-breached-passwords.ts";
import type { Logger } from "./infrastructure/process/logger.ts";
import { Readiness } from "./infrastructure/process/readiness.ts";
import { repeatedly } from "./infrastructure/process/repeatedly.ts";
import { StartError } from "./infrastructure/process/start-error.ts";
import { welcome } from "./infrastructure/process/welcome.ts";
import { abuseReasons, type ClosedConnection } from "./infrastructure/sockets/open-connections.ts";
import { UnreadBytes } from "./infrastructure/sockets/unread-bytes.ts";
import { Sidecars } from "./infrastructure/tls/sidecars.ts";
import { loadTlsFiles } from "./infrastructure/tls/tls-files.ts";
import { wellKnownDocuments } from "./interfaces/http/well-known.ts";
import { CockroachRepository } from "./interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import { crossOriginRefusal, unknownMethod } from "./interfaces/rpc/errors.ts";
import { createAdmission, reflectionGuard } from "./interfaces/rpc/interceptors/authorize.ts";
import { logCalls } from "./interfaces/rpc/interceptors/log-calls.ts";
import { validateRequests, warmUpValidation } from "./interfaces/rpc/interceptors/validate.ts";
import { createRoutes, permissionsOfMethods, serviceDescriptors } from "./interfaces/rpc/routes.ts";
import { contextOf } from "./interfaces/rpc/rpc-call.ts";
import { watchPolicy } from "./policy.ts";
import { createServices, openSecrets } from "./services.ts";

/** How often events are put in order. Milliseconds, ±25 %. */
const eventsEveryMs = 500;
/** How long a key that another instance has revoked may still sign here. Milliseconds. */
const revocationsEveryMs = 1_000;

/** How long calls in flight may still take once connections are refused. Milliseconds. */
const drainGraceMs = 10_000;

export interface ServiceOptions {
  readonly config: Config;
  /** The location of the database, once it is known. */
  readonly location: Promise<LocatedDatabase>;
  readonly logger: Logger;
  /** Ends the service; its reason is the name of the signal. */
  readonly stop: AbortSignal;
}

/**
 * The composition root: the service from its database to its last call, top to bottom. Resolves when the service has
 * stopped.
 * @throws StartError if the service cannot start, or its database ends
 */
export async function runService({ config, location, logger, stop }: ServiceOptions): Promise<void> {
  await using resources = new AsyncDisposableStack();

  const log = (line: string) => logger.info(line);
  const database = resources.use(await openDatabase(await location, { ...config, log, signal: stop }));
  const repository = new CockroachRepository(database.pool);
  const secrets = await openSecrets(config, database);
  const breachedPasswords = await openBreachedPasswords(config.breachedPasswords);
  resources.defer(() => breachedPasswords?.[Symbol.asyncDispose]?.());
  const policy = await watchPolicy(config.callers.policyFile, config.audiences, logReload(logger, "policy"));
  resources.defer(() => policy?.close());
  const services = createServices({
    config,
    repository,
    ...secrets,
    breachedPasswords,
    policy: policy && (() => policy.current),
    logger,
  });
  const { attempts, callers, devices, keyRing, mutations, sessions, events } = services;
  await firstKeys(keyRing);

  const routes = createRoutes(services);
  const { admit, authorize } = createAdmission(callers, permissionsOfMethods);
  const interceptors = [logCalls(logger), authorize, validateRequests];
  const onInvalidDates = (warning: string) => logger.warn(warning);
  const onReload = logReload(logger, "TLS files");
  const tls = config.tls && (await loadTlsFiles({ ...config.tls, onReload, onInvalidDates }));
  resources.defer(() => tls?.close());

  const health = createHealth(serviceDescriptors.map(({ typeName }) => typeName));
  const readiness = resources.use(
    await Readiness.begin({
      check: (patience) => repository.assertWritable(patience),
      onChange: (ready, cause) => {
        health.setReady(ready);
        if (cause !== undefined) logger.warn({ err: cause }, "not ready: the database is unavailable");
        else logger.info(ready ? "ready" : "not ready");
      },
    }),
  );
  const inBackground = (what: string, everyMs: number, task: (call: Call) => Promise<void>) => {
    const onError = (err: unknown) => logger.warn({ err }, `${what} failed`);
    resources.use(
      repeatedly({ task: (patience) => task(ownCallWithin(patience)), everyMs, timeoutMs: 10_000, onError }),
    );
  };
  inBackground("purging old request ids", 60_000, (call) => mutations.forgetOld(call));
  inBackground("purging old sessions", 60_000, (call) => sessions.forgetOld(call));
  inBackground("ending all sessions of users", 10_000, (call) => sessions.materialiseEnds(call));
  inBackground("purging old attempts", 60_000, (call) => attempts.forgetOld(call));
  inBackground("purging expired devices", 60_000, (call) => devices.forgetOld(call));
  inBackground("recording key use", 60_000, (call) => callers.noteUses(call));
  inBackground("purging old events", 60_000, (call) => events.forgetOld(call));
  inBackground("ordering events", eventsEveryMs, (call) => events.advance(call));
  const keysEveryMs = Math.min(config.signing.maxAgeMs / 4, 30_000);
  inBackground("maintaining the signing keys", keysEveryMs, (call) => keyRing.maintain(call));
  inBackground("reloading revoked signing keys", revocationsEveryMs, (call) => keyRing.reload(call));

  const report = (err: unknown, path: string) =>
    logger.error({ err, path }, "request failed before dispatch");
  const onClose = (closed: ClosedConnection) => {
    if (abuseReasons.has(closed.reason)) logger.warn(closed, "connection closed");
    else logger.info(closed, "connection closed");
  };
  const sidecars = new Sidecars(config.callers.sidecars);
  const unread = new UnreadBytes(config.unread);
  const options = {
    maxTimeoutMs: config.maxDeadlineMs,
    maxStreamMs: config.maxWatchMs,
    maxConnectionAgeMs: config.maxConnectionAgeMs,
  };
  const listen = {
    routes,
    interceptors,
    contextOf,
    admit,
    unknownMethod,
    report,
    tls,
    unread,
    onClose,
    options,
  };
  const grpc = await listenGrpc({
    ...listen,
    address: config.grpcAddress,
    health,
    reflection: reflectionOf(config.reflection, callers),
    mayReset: (peer) => sidecars.includes(peer),
    options: { ...options, resetsPerSecond: config.maxResetsPerSecond },
  });
  resources.defer(() => grpc.drain(0));
  const http = await listenHttp({
    ...listen,
    address: config.httpAddress,
    crossOrigin: {
      allowedOrigins: config.corsOrigins,
      anonymous: config.callers.anonymous,
      refusal: crossOriginRefusal,
    },
    documents: wellKnownDocuments(config.issuer, keyRing),
    live: () => true,
    ready: () => readiness.ready,
    // Without the policy's fault: anonymous callers can read this.
    details: () => [
      ...(readiness.cause === undefined ? [] : [unreadiness(readiness.cause)]),
      ...(policy?.fault === undefined
        ? []
        : ["warning: the policy file is invalid and the previous policy stays in use; see the log"]),
    ],
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
  // An orchestrator sends SIGTERM and needs time to notice that the service is not ready; a person sends SIGINT and
  // does not.
  if (reason === "SIGTERM") await sleep(config.drainDelayMs);
  // Before the listeners drain: watches would otherwise last until their limit, and their callers should reconnect
  // elsewhere.
  events.close();
  await Promise.all([grpc.drain(drainGraceMs), http.drain(drainGraceMs)]);
  if (!stop.aborted) throw new StartError(reason);
}

/** Loads the signing keys, and creates the first one if there is none. @throws StartError if they cannot be opened */
async function firstKeys(keyRing: KeyRing): Promise<void> {
  try {
    await keyRing.maintain(ownCall(10_000));
  } catch (error) {
    throw new StartError(`cannot open the signing keys: ${(error as Error).message}`, { cause: error });
  }
}

/** Why the service is not ready, for anonymous callers: the reason and its message, never the underlying error. */
function unreadiness(cause: unknown): string {
  return cause instanceof DomainError
    ? `${cause.reason}: ${cause.message}`
    : "DATABASE_UNAVAILABLE: the database did not answer in time";
}

function logReload(logger: Logger, what: string) {
  return (outcome: Reload<unknown>) => {
    if (outcome.ok) logger.info(`reloaded ${what}`);
    else logger.error({ err: outcome.error }, `cannot reload ${what}; the previous version stays in use`);
  };
}

function reflectionOf(reflection: Config["reflection"], callers: Callers) {
  if (reflection === "off") return undefined;
  return reflection === "on" ? { guard: undefined } : { guard: reflectionGuard(callers) };
}

/** Resolves with the reason of a signal when it is aborted. */
function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(String(signal.reason));
    signal.addEventListener("abort", () => resolve(String(signal.reason)), { once: true });
  });
}
