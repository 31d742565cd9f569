import { setTimeout as sleep } from "node:timers/promises";
import { type CommonQueryMethods, ConnectionError, type DatabasePool, sql } from "slonik";
import type { Patience } from "../../domain/call.ts";
import { Budget } from "./budget.ts";
import { type Waiter, waitedForBy } from "./postgres-driver.ts";
import { databaseError, isConnectionLoss, isStandbyRefusal, serverFailure, sqlState } from "./sql-state.ts";

/** It could not be found out whether a commit took place. The cause is what hid its outcome. */
export class AmbiguousCommitError extends Error {
  override readonly name = "AmbiguousCommitError";
}

/** What became of an attempt that failed. */
type Outcome = "not-applied" | "unknown" | "final";

interface Attempt {
  /** Reads have nothing to be in doubt about. */
  readonly writes: boolean;
  commitSent: boolean;
}

const firstBackoffMs = 4;
const longestBackoffMs = 250;
/** A server that is away does not come back within a call's patience; another one behind the same name may be there. */
const maxConnectionLosses = 2;
/** What a server gets to answer a statement that is cancelled, or a commit: what it says is worth more than a doubt. */
const lastWordMs = 50;
/**
 * While a server is away, every unit fails to connect: trying again multiplies what it is asked when it comes back. So
 * each unit adds a tenth of another try to a common store, which holds a few.
 */
const reconnectsPerUnit = 0.1;
const maxReconnects = 5;

/**
 * The only place where anything is retried.
 *
 * - Not applied (40001, 40P01, 57014 while there is time, a connection that was lost before COMMIT was sent): the whole
 *   unit again, after a backoff with full jitter, while there is time. Where no connection could be made, only one
 *   unit in ten.
 * - Unknown (40003, 58C01, a connection or the time lost after COMMIT was sent): again too, because a unit is made so that a
 *   second run finds out what became of the first (RelationalRepository.transaction). Without an answer in time,
 *   AmbiguousCommitError.
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

  /** Whether the server has answered any statement since a time of `performance.now()`: it is busy then, and not away. */
  hasAnsweredSince(time: number): boolean {
    return this.#answeredAt >= time;
  }

  /** Runs reads, each a statement of its own, on one connection. */
  read<T>(call: Patience, work: (connection: CommonQueryMethods) => Promise<T>): Promise<T> {
    return this.#retrying(call, false, (budget) => this.#connected(budget, work));
  }

  /**
   * Runs one statement that changes something: SERIALIZABLE, a transaction of its own, in one round trip. Its COMMIT goes
   * out with it.
   */
  statement<T>(call: Patience, run: (connection: CommonQueryMethods) => Promise<T>): Promise<T> {
    return this.#retrying(call, true, (budget, attempt) =>
      this.#connected(budget, (connection) => {
        attempt.commitSent = true;
        return run(connection);
      }),
    );
  }

  /** Runs `work` in one SERIALIZABLE transaction, whose statements end with the time that is left. */
  transaction<T>(call: Patience, work: (transaction: CommonQueryMethods) => Promise<T>): Promise<T> {
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
    call: Patience,
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
          // A body that came to an answer of its own has found that the commit in doubt did not take place.
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
   * Runs `use` on a connection of the pool. Slonik destroys a connection when an error leaves its handler; most errors
   * leave a good connection behind, so only those that spoil it are let through to it. When the budget is over, nobody
   * waits any more: not in the queue, and not for a server that does not answer a cancellation.
   */
  async #connected<T>(budget: Budget, use: (connection: Connection) => Promise<T>): Promise<T> {
    budget.signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let waiting = true;
    const leave = () => {
      setTimeout(() => reject(budget.signal.reason), waiting ? 0 : lastWordMs);
      waiting = false;
    };
    budget.signal.addEventListener("abort", leave, { once: true });
    this.#pool
      .connect(async (connection) => {
        // Slonik's queue cannot be left: a connection that comes too late goes straight back.
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
  // Whatever its code: a ROLLBACK that failed hides what a COMMIT before it met.
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
      // Where it is not for the time's being over, a cancellation was late: meant for the statement before.
      return commitSent ? "unknown" : "not-applied";
    default:
      return isStalePlan(error) ? "not-applied" : "final";
  }
}

/**
 * Whether a connection is not used again. One to a read-only server is closed too: after a failover the connections of a
 * pool still lead to the old primary, and only new ones find the new one.
 */
function spoilsConnection(error: unknown): boolean {
  return isConnectionLoss(error) || isStalePlan(error) || serverFailure(error) === "read-only";
}

/** Whether a prepared statement outlived a change of its table: its connection is no good for it any more. */
function isStalePlan(error: unknown): boolean {
  return databaseError(error)?.code === sqlState.featureNotSupported && !isStandbyRefusal(error);
}

/** Whether an attempt ended because its time did. */
function isInterruption(error: unknown, budget: Budget): boolean {
  return budget.signal.aborted || databaseError(error)?.code === sqlState.queryCanceled;
}
