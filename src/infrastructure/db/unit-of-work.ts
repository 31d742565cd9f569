import { setTimeout as sleep } from "node:timers/promises";
import { type CommonQueryMethods, ConnectionError, type DatabasePool, sql } from "slonik";
import type { Deadline } from "../../domain/call.ts";
import { Budget } from "./budget.ts";
import { type Waiter, waitedForBy } from "./postgres-driver.ts";
import { databaseError, isConnectionLoss, isStandbyRefusal, serverFailure, sqlState } from "./sql-state.ts";

/** The outcome of a commit could not be determined. The cause is the error that hid it. */
export class AmbiguousCommitError extends Error {
  override readonly name = "AmbiguousCommitError";
}

/** The outcome of a failed attempt. */
type Outcome = "not-applied" | "unknown" | "final";

interface Attempt {
  /** False for reads: they have no outcome that could be in doubt. */
  readonly writes: boolean;
  commitSent: boolean;
}

const firstBackoffMs = 4;
const longestBackoffMs = 250;
/**
 * A server that is down does not come back within the time limit of a call, but another one behind the same name may
 * be up.
 */
const maxConnectionLosses = 2;
/**
 * Grace period in milliseconds for the reply to a cancelled statement or a COMMIT: a definite answer beats an
 * ambiguous one.
 */
const replyGraceMs = 50;
/**
 * While a server is down, every unit fails to connect, and retries would multiply the load when it comes back. So
 * each unit adds a tenth of a retry to a shared budget of at most `maxReconnects`.
 */
const reconnectsPerUnit = 0.1;
const maxReconnects = 5;

/**
 * The only place that retries.
 *
 * - Not applied (40001, 40P01, 57014 while time remains, a connection that was lost before COMMIT was sent): runs the
 *   whole unit again, after a backoff with full jitter, while time remains. If no connection could be made, only one
 *   unit in ten retries.
 * - Unknown (40003, 58C01, a lost connection or a timeout after COMMIT was sent): also runs the unit again, because a
 *   second run of a unit finds out the outcome of the first (RelationalRepository.transaction). If there is no answer
 *   in time, throws AmbiguousCommitError.
 * - Everything else is final.
 */
export class UnitOfWork {
  readonly #pool: DatabasePool;
  readonly #random: () => number;
  #reconnects = maxReconnects;
  #answeredAt = Number.NEGATIVE_INFINITY;

  constructor(pool: DatabasePool, random: () => number = Math.random) {
    this.#pool = pool;
    this.#random = random;
  }

  /** Whether the server has answered any statement since a time of `performance.now()`: it is then busy, not down. */
  hasAnsweredSince(time: number): boolean {
    return this.#answeredAt >= time;
  }

  /** Runs reads on one connection, each as a separate statement. */
  read<T>(call: Deadline, work: (connection: CommonQueryMethods) => Promise<T>): Promise<T> {
    return this.#retrying(call, false, (budget) => this.#connected(budget, work));
  }

  /**
   * Runs one statement that writes, as a SERIALIZABLE transaction of its own, in one round trip. Its COMMIT is sent
   * with it.
   */
  statement<T>(call: Deadline, run: (connection: CommonQueryMethods) => Promise<T>): Promise<T> {
    return this.#retrying(call, true, (budget, attempt) =>
      this.#connected(budget, (connection) => {
        attempt.commitSent = true;
        return run(connection);
      }),
    );
  }

  /** Runs `work` in one SERIALIZABLE transaction, whose statements time out when the remaining time is up. */
  transaction<T>(call: Deadline, work: (transaction: CommonQueryMethods) => Promise<T>): Promise<T> {
    return this.#retrying(call, true, (budget, attempt) =>
      this.#connected(budget, (connection) =>
        connection.transaction(async (transaction) => {
          await transaction.query(limitStatements(budget.timeLeftMs()));
          const result = await work(transaction);
          budget.signal.throwIfAborted();
          attempt.commitSent = true;
          return result;
        }),
      ),
    );
  }

  async #retrying<T>(
    call: Deadline,
    writes: boolean,
    run: (budget: Budget, attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    using budget = new Budget(call);
    this.#reconnects = Math.min(maxReconnects, this.#reconnects + reconnectsPerUnit);
    let doubt: unknown;
    let connectionLosses = 0;
    for (let backoffMs = firstBackoffMs; ; backoffMs = Math.min(backoffMs * 2, longestBackoffMs)) {
      const attempt: Attempt = { writes, commitSent: false };
      try {
        return await run(budget, attempt);
      } catch (error) {
        const outcome = outcomeOf(error, attempt, budget);
        if (outcome === "unknown") doubt = error;
        if (isConnectionLoss(error)) connectionLosses += 1;
        const pauseMs = backoffMs * this.#random();
        const again = pauseMs < budget.timeLeftMs() && connectionLosses <= maxConnectionLosses;
        if (outcome === "final" || budget.signal.aborted || !again || !this.#mayReconnect(error)) {
          // A final error of the unit itself shows that the commit in doubt did not take place.
          if (doubt !== undefined && (outcome !== "final" || isInterruption(error, budget))) {
            throw new AmbiguousCommitError("the outcome of a commit is unknown", { cause: doubt });
          }
          throw budget.explain(error);
        }
        await sleep(pauseMs, undefined, { signal: budget.signal }).catch(() => {});
      }
    }
  }

  #mayReconnect(error: unknown): boolean {
    if (!(error instanceof ConnectionError)) return true;
    if (this.#reconnects < 1) return false;
    this.#reconnects -= 1;
    return true;
  }

  #waiter({ signal }: Budget): Waiter {
    const onAnswer = () => {
      this.#answeredAt = performance.now();
    };
    return { signal, onAnswer };
  }

  /**
   * Runs `use` on a connection of the pool. Slonik destroys a connection if an error leaves its handler. Most errors
   * leave the connection usable, so only those that make it unusable are passed on to Slonik. When the time is up,
   * the caller stops waiting, both in the queue and for a server that does not answer a cancellation.
   */
  async #connected<T>(budget: Budget, use: (connection: Connection) => Promise<T>): Promise<T> {
    budget.signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let waiting = true;
    const leave = () => {
      setTimeout(() => reject(budget.signal.reason), waiting ? 0 : replyGraceMs);
      waiting = false;
    };
    budget.signal.addEventListener("abort", leave, { once: true });
    this.#pool
      .connect(async (connection) => {
        // A request cannot leave Slonik's queue: a connection that arrives too late is returned at once.
        if (!waiting) return;
        waiting = false;
        try {
          resolve(await waitedForBy(this.#waiter(budget), () => use(connection)));
        } catch (error) {
          reject(error);
          if (spoilsConnection(error)) throw error;
        }
      })
      .catch(reject);
    return promise;
  }
}

type Connection = Parameters<Parameters<DatabasePool["connect"]>[0]>[0];

function limitStatements(timeLeftMs: number) {
  return sql.unsafe`
    select set_config('statement_timeout', ${String(Math.max(1, Math.ceil(timeLeftMs)))}, true)
  `;
}

function outcomeOf(error: unknown, { writes, commitSent }: Attempt, { signal }: Budget): Outcome {
  if (signal.aborted && error === signal.reason) return commitSent ? "unknown" : "final";
  // Whatever its code: a failed ROLLBACK hides the result of the COMMIT before it.
  if (isConnectionLoss(error)) return commitSent ? "unknown" : "not-applied";
  const code = databaseError(error)?.code;
  switch (code) {
    case sqlState.serializationFailure:
    case sqlState.deadlockDetected:
      return "not-applied";
    case sqlState.statementCompletionUnknown:
    case sqlState.internalConnectionFailure:
      return writes ? "unknown" : "not-applied";
    case sqlState.queryCanceled:
      // If the time is not up, this is a late cancellation that was meant for the previous statement.
      return commitSent ? "unknown" : "not-applied";
    default:
      return isStalePlan(error) ? "not-applied" : "final";
  }
}

/**
 * Whether a connection must not be used again. A connection to a read-only server is closed too: after a failover the
 * pool's connections still lead to the old primary, and only new ones reach the new primary.
 */
function spoilsConnection(error: unknown): boolean {
  return isConnectionLoss(error) || isStalePlan(error) || serverFailure(error) === "read-only";
}

/** Whether a prepared statement outlived a change to its table: its connection can no longer run it. */
function isStalePlan(error: unknown): boolean {
  return databaseError(error)?.code === sqlState.featureNotSupported && !isStandbyRefusal(error);
}

/** Whether an attempt ended because its time was up. */
function isInterruption(error: unknown, budget: Budget): boolean {
  return budget.signal.aborted || databaseError(error)?.code === sqlState.queryCanceled;
}
