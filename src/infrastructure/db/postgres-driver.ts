import { AsyncLocalStorage } from "node:async_hooks";
import { createDriverFactory, type DriverFactory, type DriverQueryResult } from "@slonik/driver";
import pg from "pg";
import { parseIntoClientConfig } from "pg-connection-string";
import { BackendTerminatedError } from "slonik";
import { isPlannedEachTime } from "./planned-each-time.ts";
import { type ConnectionParameters, SessionPlans } from "./session-plans.ts";

/**
 * The driver under Slonik, on `pg`. Slonik's own (@slonik/pg-driver) cannot cancel a statement, knows neither libpq's
 * `sslmode=verify-full` nor `sslrootcert`, prepares nothing and asks the server for its types at start. See
 * docs/decisions/0005-slonik-driver.md.
 *
 * Errors of the server are `pg.DatabaseError`s as they came. A connection that is gone, that the server is about to
 * close, or that may be left inside a transaction is a `BackendTerminatedError`, whose cause says more.
 */
export interface PostgresDriverOptions {
  /** Milliseconds after which a connection that is being made is given up. */
  readonly connectTimeoutMs: number;
  /** Milliseconds that the server gives to one statement. The driver gives it a little more and then cuts the line. */
  readonly statementTimeoutMs: number;
  /** Milliseconds after which the server ends a session that is idle inside a transaction. */
  readonly idleInTransactionTimeoutMs: number;
}

/** Milliseconds that a server has to answer a cancelled or timed-out statement before its connection is cut. */
const graceMs = 250;

/** Who waits for the statements of some work. */
export interface Waiter {
  /** An abort cancels the statement that is running at the time. */
  readonly signal: AbortSignal;
  /** Told when the server has answered a statement, also with an error. */
  readonly onAnswer: () => void;
}

const waiters = new AsyncLocalStorage<Waiter>();

/** Runs `work` for a waiter. */
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

/** What pg's client has and its types do not tell. */
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
  // INT8 is a number here: we keep versions and counts in it, and none reaches 2^53.
  types.setTypeParser(pg.types.builtins.INT8, Number);
  return {
    application_name: "auth",
    ...parsed,
    types,
    // The default of every session, so that a statement on its own is SERIALIZABLE too, without another round trip.
    options: [parsed.options, "-c default_transaction_isolation=serializable"].filter(Boolean).join(" "),
    connectionTimeoutMillis: options.connectTimeoutMs,
    statement_timeout: options.statementTimeoutMs,
    idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs,
    keepAlive: true,
  };
}

/** `sslmode` as libpq and CockroachDB's documentation mean it; pg's own meaning is about to change. */
function withLibpqSemantics(uri: string): string {
  return `${uri}${uri.includes("?") ? "&" : "?"}uselibpqcompat=true`;
}

/**
 * Names for prepared statements. A name stands for its text in every connection; transaction control has none, nor has
 * what is to be planned each time. After the limit, which only generated texts could reach, new texts are not prepared.
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

/** Cancels the statement when its call is aborted, and cuts the connection when the server answers neither. */
function guardStatement(client: CancellableClient, config: pg.ClientConfig, text: string, timeoutMs: number) {
  const cut = () => client.connection.stream.destroy();
  let cutTimer = setTimeout(cut, timeoutMs + graceMs);
  const onAbort = () => {
    requestCancel(client, config);
    clearTimeout(cutTimer);
    cutTimer = setTimeout(cut, graceMs);
  };
  // A commit or a rollback that has begun is let finish: cancelling it would only hide what became of it.
  const signal = isTransactionControl(text) ? undefined : waiters.getStore()?.signal;
  signal?.addEventListener("abort", onAbort, { once: true });
  return {
    release() {
      clearTimeout(cutTimer);
      signal?.removeEventListener("abort", onAbort);
    },
  };
}

/** Sends a CancelRequest (PostgreSQL protocol 3.0, 54.2.8) over a connection of its own, as the protocol wants it. */
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
 * Whether no statement can follow on the connection: it broke, or the server says that it closes it. After a PANIC, as for
 * a full disk below the write-ahead log, the server crashes: whether a COMMIT reached the disk is known after its recovery.
 */
function endsConnection(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return true;
  return error.severity === "FATAL" || error.severity === "PANIC" || isConnectionClass(error.code);
}

/** Whether nobody knows, where the statement failed, if a transaction is open: the next call must not end up in it. */
function hidesTransaction(text: string): boolean {
  return text === "START TRANSACTION" || text === "ROLLBACK";
}

/** Class 08 (connection exception) and 57P0x (shutdown, crash, cannot connect now). */
function isConnectionClass(code: string | undefined): boolean {
  return code !== undefined && /^(08...|57P0[123])$/.test(code);
}

function terminated(error: unknown): BackendTerminatedError {
  return error instanceof BackendTerminatedError ? error : new BackendTerminatedError(error as Error);
}

/** The result of the last statement: a text without parameters may hold several. */
function lastOf(result: pg.QueryResult | pg.QueryResult[]): pg.QueryResult {
  return [result].flat().at(-1) as pg.QueryResult;
}
