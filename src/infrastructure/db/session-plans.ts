/** A connection that reports the server's parameters (ParameterStatus). */
export interface ConnectionParameters {
  on(event: "parameterStatus", listener: (status: { readonly parameterName: string }) => void): void;
}

/** Planner settings that are sent when a session begins. Each server rejects the setting of the other. */
export const planSettings = {
  // Not a `select`: a standby rejects every SERIALIZABLE one, and the session must be usable once it is promoted.
  postgresql: "set enable_seqscan = off; set enable_bitmapscan = off",
  cockroachdb: "set plan_cache_mode = force_custom_plan",
};

/** Discards the plans that a PostgreSQL session has cached. */
export const discardPlans = "discard plans";

/**
 * Plans are first discarded after this many statements, then each time the count has doubled, at most `renewalsApart`
 * statements apart.
 */
const firstRenewal = 8;
const renewalsApart = 512;

/**
 * Makes one session use indexes, whatever the statistics say.
 *
 * PostgreSQL scans a table in full if the table was empty when it was analysed, and SERIALIZABLE then locks all of
 * it, so a newly deployed service was the slowest. Sequential scans are disabled, and bitmap scans too, because they
 * lose the order of an index. The planner still plans for the current size of a table, at which all indexes cost the
 * same, and keeps that plan while the table grows. So cached plans are discarded from time to time, more often in
 * young sessions: a plan is never older than half of the statements that its session has run.
 *
 * CockroachDB plans `= any($1)` without an index if it plans once for all parameters (cockroachdb/cockroach#128916).
 */
export class SessionPlans {
  readonly #send: (text: string) => Promise<unknown>;
  #isCockroach = false;
  #inTransaction = false;
  #statements = 0;
  #renewal = firstRenewal;

  constructor(connection: ConnectionParameters, send: (text: string) => Promise<unknown>) {
    this.#send = send;
    // CockroachDB reports this among its first parameters.
    connection.on("parameterStatus", ({ parameterName }) => {
      this.#isCockroach ||= parameterName === "crdb_version";
    });
  }

  /**
   * Called once, when the connection is made. Sends the settings as a statement, because poolers drop startup
   * options.
   */
  async prefer(): Promise<void> {
    await this.#send(planSettings[this.#isCockroach ? "cockroachdb" : "postgresql"]);
  }

  /**
   * Called before each statement. Does nothing inside a transaction, which may have failed.
   * @returns a promise to await before the statement; undefined for most statements
   */
  renew(next: string): Promise<unknown> | undefined {
    const wasInTransaction = this.#inTransaction;
    this.#inTransaction =
      next === "START TRANSACTION" || (wasInTransaction && next !== "COMMIT" && next !== "ROLLBACK");
    this.#statements += 1;
    if (this.#isCockroach || wasInTransaction || this.#statements < this.#renewal) return undefined;
    this.#renewal = this.#statements + Math.min(this.#statements, renewalsApart);
    return this.#send(discardPlans);
  }
}
