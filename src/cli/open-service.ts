import { randomUUID } from "node:crypto";
import { userInfo } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config/config.ts";
import { type Call, unlimited } from "../domain/call.ts";
import type { Policy } from "../domain/caller/policy.ts";
import { DomainError } from "../domain/errors.ts";
import { borrowDatabase } from "../infrastructure/db/borrow-database.ts";
import {
  applyOrCheckSteps,
  type ConnectedDatabase,
  connectDatabase,
} from "../infrastructure/db/open-database.ts";
import { isShutdown, serverFailure } from "../infrastructure/db/sql-state.ts";
import { openBreachedPasswords } from "../infrastructure/passwords/open-breached-passwords.ts";
import { StartError } from "../infrastructure/process/start-error.ts";
import { CockroachRepository } from "../interfaces/relationaldb/cockroachdb/cockroach-repository.ts";
import { createServices, openSecrets } from "../services.ts";

/** The domain services, on the service's own database. */
export interface OpenService extends ReturnType<typeof createServices> {
  readonly config: Config;
  /** Creates a call, with the operating system user who runs the command as its caller. */
  call(): Call;
}

export interface OpenServiceOptions {
  readonly config: Config;
  readonly signal: AbortSignal;
  readonly note: (line: string) => void;
}

/** One more than is ever used, as Slonik requires. */
const commandPoolSize = 2;
/** Maximum wait for a command: shorter than the service's, because a person is waiting. Milliseconds. */
const longestWaitMs = 5_000;
const pollEveryMs = 50;

/** The database of a command, connected. */
export interface CommandDatabase extends AsyncDisposable {
  readonly database: ConnectedDatabase;
  /** Another process runs the database, and may stop it at any time. */
  readonly ownedElsewhere: boolean;
}

/**
 * Connects a command to the database.
 * @param waitMs how long to wait for a server that is not reachable
 * @throws StartError if the database is not usable
 */
export async function connectForCommand(
  { config, signal, note: log }: OpenServiceOptions,
  waitMs = Math.min(config.databaseWaitMs, longestWaitMs),
): Promise<CommandDatabase> {
  const { databaseUrl, dataDir } = config;
  const connect = { databasePoolSize: commandPoolSize, signal, log };
  for (const endsAt = performance.now() + longestWaitMs; ; ) {
    const folderWaitMs = config.databaseWaitMs;
    const location = await borrowDatabase({ databaseUrl, dataDir, waitMs: folderWaitMs, signal, log });
    const { ownedElsewhere } = location;
    try {
      const database = await connectDatabase(location, {
        ...connect,
        databaseWaitMs: ownedElsewhere ? 0 : waitMs,
      });
      return { database, ownedElsewhere, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
    } catch (error) {
      // The database stopped just after it was found: the next try finds the folder free, or its next owner.
      const again = ownedElsewhere && error instanceof StartError && performance.now() < endsAt;
      if (!again) throw error;
      await sleep(pollEveryMs, undefined, { signal });
    }
  }
}

/**
 * Opens the domain services for `work`, and closes them after it. Missing migrations are applied only if the service
 * would apply them and is not running: in an embedded database of our own.
 * @throws StartError if the services cannot be opened; what `work` throws
 */
export async function withService<T>(
  options: OpenServiceOptions,
  work: (service: OpenService) => Promise<T>,
): Promise<T> {
  const { config, signal, note } = options;
  await using connected = await connectForCommand(options);
  const { database, ownedElsewhere } = connected;
  try {
    const isOurs = !ownedElsewhere && config.databaseUrl === undefined;
    await applyOrCheckSteps(database, isOurs ? config.migrate : "check");
    const repository = new CockroachRepository(database.pool);
    const secrets = await openSecrets(config, database);
    const policy = await policyOf(config);
    await using resources = new AsyncDisposableStack();
    const breachedPasswords = await openBreachedPasswords(config.breachedPasswords);
    resources.defer(() => breachedPasswords?.[Symbol.asyncDispose]?.());
    const logger = { warn: (_: object, message?: string) => note(message ?? "") };
    const services = createServices({
      config,
      repository,
      ...secrets,
      policy,
      breachedPasswords,
      logger,
    });
    return await work({ ...services, config, call: () => callWithin(config.maxDeadlineMs, signal) });
  } catch (error) {
    throw ownedElsewhere && !signal.aborted ? explained(error) : error;
  }
}

/** The policy, which defines the roles. @throws StartError if its file is not usable */
async function policyOf({ callers: { policyFile }, audiences }: Config): Promise<(() => Policy) | undefined> {
  if (policyFile === undefined) return undefined;
  const { readPolicyOnce } = await import("../policy.ts");
  const policy = await readPolicyOnce(policyFile, audiences);
  return () => policy;
}

/** Explains an error of a database that belongs to a running service. */
function explained(error: unknown): unknown {
  const reason = error instanceof DomainError ? error.reason : undefined;
  const gone = "the service that runs this database stopped";
  if (reason === "DATABASE_UNAVAILABLE" && (serverFailure(error) === undefined || isShutdown(error))) {
    return new StartError(`${gone} and nothing was changed; run the command again`, { cause: error });
  }
  if (reason === "OUTCOME_UNKNOWN") {
    return new StartError(
      `${gone}; the change may or may not have been made: check, then run the command again`,
      {
        cause: error,
      },
    );
  }
  return error;
}

function callWithin(timeoutMs: number, signal: AbortSignal): Call {
  return {
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    timeoutMs: () => timeoutMs,
    origin: { caller: `cli:${userName()}`, requestId: randomUUID(), address: "" },
    // Access to the database and its secrets implies every permission.
    ...unlimited,
  };
}

/** The operating system user who runs the command, by name, or by number if the name is unknown. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.());
  }
}
