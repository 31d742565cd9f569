import { AsyncLocalStorage } from "node:async_hooks";
import { createDriverFactory, type DriverFactory, type DriverQueryResult } from "@slonik/driver";
import pg from "pg";
import { parseIntoClientConfig } from "pg-connection-string";
import { BackendTerminatedError } from "slonik";
import { isPlannedEachTime } from "./planned-each-time.ts";
import { type ConnectionParameters, SessionPlans } from "./session-plans.ts";

/**
 * Options of the driver under Slonik, which is built on `pg`. Slonik's own driver (@slonik/pg-driver) cannot cancel a
 * statement, supports neither libpq's `sslmode=verify-full` nor `sslrootcert`, prepares no statements and queries the
 * server's types at start. See docs/decisions/0005-slonik-driver.md.
 *
 * Server errors are passed through as `pg.DatabaseError`. A connection that is lost, that the server is about to
 * close, or that may still be inside a transaction is reported as a `BackendTerminatedError`, whose cause has the
 * details.
 */
export interface PostgresDriverOptions {
  /** Connection timeout in milliseconds. */
  readonly connectTimeoutMs: number;
  /**
   * The server's statement timeout in milliseconds. The driver waits slightly longer and then closes the connection.
   */
  readonly statementTimeoutMs: number;
  /** Milliseconds after which the server ends a session that is idle in a transaction. */
  readonly idleInTransactionTimeoutMs: number;
}

/** Milliseconds that a server has to answer a cancelled or timed-out statement before its connection is closed. */
const graceMs = 250;

/** The caller that waits for the statements of some work. */
export interface Waiter {
  /** An abort cancels the statement that is running at that moment. */
  readonly signal: AbortSignal;
  /** Called when the server has answered a statement, even with an error. */
  readonly onAnswer: () => void;
}

const waiters = new AsyncLocalStorage<Waiter>();

/** Runs `work` on behalf of a waiter. */
export function waitedForBy<T>(waiter: Waiter, work: () => Promise<T>): Promise<T> {
  return waiters.run(waiter, work);
}

export function createPostgresDriver(uri: string, options: PostgresDriverOptions): DriverFactory {
  const config = clientConfig(uri, options);
  const nameOf = statementNames();
  return createDriverFactory(async () => ({
    createPoolClient: async ({ clientEventEmitter }) => {
      const client = new pg.Client(config) as unknown as CancellableClient;
      client.on("error", (error) => clientEventEmitter.emit("error", terminated(error)));
      client.on("notice", ({ message }) => clientEventEmitter.emit("notice", { message: message ?? "" }));
      const send = (statement: Statement) => run(client, config, statement, options.statementTimeoutMs);
      const plans = new SessionPlans(client.connection, (text) =>
        send({ text, values: [], name: undefined }),
      );
      return {
        connect: async () => {
          await client.connect();
          await plans.prefer();
        },
        end: () => client.end(),
        query: (text, values) => {
          const statement = { text, values: values ?? [], name: nameOf(text) };
          const renewed = plans.renew(text);
          return renewed === undefined ? send(statement) : renewed.then(() => send(statement));
        },
        stream: () => {
          throw new Error("streams are not supported: they do not work on CockroachDB (node-postgres #2546)");
        },
      };
    },
  }));
}

/** The members of pg's client that its type declarations omit. */
type CancellableClient = Omit<pg.Client, "connection"> & {
  readonly processID: number;
  readonly secretKey: number;
  readonly connection: RawConnection & ConnectionParameters;
};

interface RawConnection {
  readonly stream: { destroy(): void };
  connect(portOrPath: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
  once(event: string, listener: () => void): void;
}

interface Statement {
  readonly text: string;
  readonly values: unknown[];
  readonly name: string | undefined;
}

function clientConfig(uri: string, options: PostgresDriverOptions): pg.ClientConfig {
  const parsed = parseIntoClientConfig(uri.includes("uselibpqcompat=") ? uri : withLibpqSemantics(uri));
  const types = new pg.TypeOverrides();
  // INT8 is parsed as a number: it holds versions and counts, none of which reaches 2^53.
  types.setTypeParser(pg.types.builtins.INT8, Number);
  return {
    application_name: "auth",
    ...parsed,
    types,
    // The default of every session, so that a standalone statement is SERIALIZABLE too, without an extra round trip.
    options: [parsed.options, "-c default_transaction_isolation=serializable"].filter(Boolean).join(" "),
    connectionTimeoutMillis: options.connectTimeoutMs,
    statement_timeout: options.statementTimeoutMs,
    idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs,
    keepAlive: true,
  };
}

/** Gives `sslmode` the meaning that libpq and CockroachDB document; pg's own meaning is about to change. */
function withLibpqSemantics(uri: string): string {
  return `${uri}${uri.includes("?") ? "&" : "?"}uselibpqcompat=true`;
}

/**
 * Names prepared statements. A name stands for the same text on every connection. Transaction control and statements
 * that are planned each time are not prepared, nor are new texts beyond the limit, which only generated SQL could
 * reach.
 */
function statementNames(limit = 500): (text: string) => string | undefined {
  const names = new Map<string, string>();
  return (text) => {
    const known = names.get(text);
    if (known !== undefined || names.size >= limit) return known;
    if (isTransactionControl(text) || isPlannedEachTime(text)) return undefined;
    const name = `s${names.size}`;
    names.set(text, name);
    return name;
  };
}

function isTransactionControl(text: string): boolean {
  return text === "START TRANSACTION" || text === "COMMIT" || text === "ROLLBACK";
}

async function run(
  client: CancellableClient,
  config: pg.ClientConfig,
  statement: Statement,
  timeoutMs: number,
): Promise<DriverQueryResult> {
  const guard = guardStatement(client, config, statement.text, timeoutMs);
  try {
    const { command, fields, rowCount, rows } = lastOf(await client.query(statement));
    waiters.getStore()?.onAnswer();
    return {
      command: command as DriverQueryResult["command"],
      fields: fields.map(({ dataTypeID, name }) => ({ dataTypeId: dataTypeID, name })),
      rowCount,
      rows,
    };
  } catch (error) {
    if (!endsConnection(error)) waiters.getStore()?.onAnswer();
    throw endsConnection(error) || hidesTransaction(statement.text) ? terminated(error) : error;
  } finally {
    guard.release();
  }
}

/**
 * Cancels the statement when its call is aborted. Closes the connection if the server answers neither the statement
 * nor the cancellation in time.
 */
function guardStatement(client: CancellableClient, config: pg.ClientConfig, text: string, timeoutMs: number) {
  const cut = () => client.connection.stream.destroy();
  let cutTimer = setTimeout(cut, timeoutMs + graceMs);
  const onAbort = () => {
    requestCancel(client, config);
    clearTimeout(cutTimer);
    cutTimer = setTimeout(cut, graceMs);
  };
  // A COMMIT or ROLLBACK that has begun may finish: cancelling it would only hide its outcome.
  const signal = isTransactionControl(text) ? undefined : waiters.getStore()?.signal;
  signal?.addEventListener("abort", onAbort, { once: true });
  return {
    release() {
      clearTimeout(cutTimer);
      signal?.removeEventListener("abort", onAbort);
    },
  };
}

/** Sends a CancelRequest (PostgreSQL protocol 3.0, 54.2.8) on a separate connection, as the protocol requires. */
function requestCancel(client: CancellableClient, config: pg.ClientConfig): void {
  const connection = new pg.Connection({ ssl: client.ssl }) as unknown as RawConnection;
  const finish = () => connection.stream.destroy();
  const cancel = () => connection.cancel(client.processID, client.secretKey);
  connection.once("error", finish);
  connection.once("end", finish);
  connection.once("connect", client.ssl ? () => connection.requestSsl() : cancel);
  connection.once("sslconnect", cancel);
  setTimeout(finish, config.connectionTimeoutMillis).unref();
  if (client.host.startsWith("/")) connection.connect(`${client.host}/.s.PGSQL.${client.port}`);
  else connection.connect(client.port, client.host);
}

/**
 * Whether the connection cannot run another statement: it broke, or the server reported that it closes it. After a
 * PANIC, for example a full disk under the write-ahead log, the server crashes, and whether a COMMIT reached the disk
 * is known only after its recovery.
 */
function endsConnection(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return true;
  return error.severity === "FATAL" || error.severity === "PANIC" || isConnectionClass(error.code);
}

/**
 * Whether a failure of this statement leaves it unknown if a transaction is open: the next call must not run inside
 * it.
 */
function hidesTransaction(text: string): boolean {
  return text === "START TRANSACTION" || text === "ROLLBACK";
}

/** SQLSTATE class 08 (connection exception) and 57P0x (shutdown, crash, cannot connect now). */
function isConnectionClass(code: string | undefined): boolean {
  return code !== undefined && /^(08...|57P0[123])$/.test(code);
}

function terminated(error: unknown): BackendTerminatedError {
  return error instanceof BackendTerminatedError ? error : new BackendTerminatedError(error as Error);
}

/** The result of the last statement: a text without parameters may contain several statements. */
function lastOf(result: pg.QueryResult | pg.QueryResult[]): pg.QueryResult {
  return [result].flat().at(-1) as pg.QueryResult;
}
