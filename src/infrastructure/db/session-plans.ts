/** Where a connection tells the parameters that its server reports of itself. */
export interface ConnectionParameters {
  on(event: "parameterStatus", listener: (status: { readonly parameterName: string }) => void): void;
}

/** What a session is told about plans when it begins. Each server refuses what is for the other. */
export const planSettings = {
  // Not a `select`: a standby refuses every SERIALIZABLE one, and the session is to be good once it is promoted.
  postgresql: "set enable_seqscan = off; set enable_bitmapscan = off",
  cockroachdb: "set plan_cache_mode = force_custom_plan",
};

/** Throws the plans away that a session of PostgreSQL keeps. */
export const discardPlans = "discard plans";

/** After so many statements the plans are made anew, and then at twice as many, up to every so many. */
const firstRenewal = 8;
const renewalsApart = 512;

/**
 * Has one session plan by the indexes, whatever the statistics say.
 *
 * PostgreSQL reads a table whole that was empty when it was analysed, and SERIALIZABLE then locks the whole of it: a service that
 * had just gone live was the slowest. Without sequential scans, and bitmaps, which lose the order of an index, it still plans for
 * the size that a table has at the time, where all indexes cost the same, and keeps that plan while the table grows. So kept
 * plans are thrown away now and then, the sooner the fewer statements the session has run: a plan is never older than half of
 * what its session has done.
 *
 * CockroachDB plans `= any($1)` without an index where it plans once for all parameters (cockroachdb/cockroach#128916).
 */
export class SessionPlans {
  readonly #send: (text: string) => Promise<unknown>;
  #isCockroach = false;
  #inTransaction = false;
  #statements = 0;
  #renewal = firstRenewal;

  constructor(connection: ConnectionParameters, send: (text: string) => Promise<unknown>) {
    this.#send = send;
    // CockroachDB reports it among its first parameters.
    connection.on("parameterStatus", ({ parameterName }) => {
      this.#isCockroach ||= parameterName === "crdb_version";
    });
  }

  /** Once, when the connection is made. Sent, because poolers drop startup options. */
  async prefer(): Promise<void> {
    await this.#send(planSettings[this.#isCockroach ? "cockroachdb" : "postgresql"]);
  }

  /**
   * Before each statement. Does nothing inside a transaction, which may have failed.
   * @returns what to wait for first, if there is anything: most statements have none
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
