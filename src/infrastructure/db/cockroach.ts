import type { DriverFactory } from "@slonik/driver";
import { createPool, type DatabasePool, type Interceptor, SchemaValidationError } from "slonik";
import { createPostgresDriver } from "./postgres-driver.ts";

export interface CockroachConfig {
  /** postgresql:// URI of a CockroachDB or PostgreSQL server. */
  readonly uri: string;
  /** Connections that are kept. At least 2: with one, work that needs a second would wait for itself. */
  readonly poolSize: number;
  /** Milliseconds that one statement may take. */
  readonly statementTimeoutMs: number;
}

const connectTimeoutMs = 1_500;

/**
 * A Slonik pool on CockroachDB or PostgreSQL: SERIALIZABLE, rows parsed by the schema of their query, nothing retried
 * (unit-of-work.ts does), connections kept for about ten minutes. Throws where the server cannot be reached.
 */
export async function connectToCockroach(config: CockroachConfig): Promise<DatabasePool> {
  const { driverFactory, closeConnections } = closableDriver(
    createPostgresDriver(config.uri, {
      connectTimeoutMs,
      statementTimeoutMs: config.statementTimeoutMs,
      idleInTransactionTimeoutMs: 15_000,
    }),
  );
  const pool = createPool(config.uri, {
    driverFactory,
    interceptors: [parseRows],
    maxPoolSize: config.poolSize,
    minPoolSize: config.poolSize,
    idleTimeout: 600_000,
    maximumConnectionAge: 600_000,
    // A connection that is given up has had its time already.
    gracefulTerminationTimeout: 100,
    connectionRetryLimit: 1,
    transactionRetryLimit: 0,
    queryRetryLimit: 0,
    // Nothing but transaction-local settings is ever made, so there is nothing to discard.
    resetConnection: async () => {},
  });
  return pool.catch(async (error: unknown) => {
    await closeConnections();
    throw error;
  });
}

/**
 * A driver that can close what it has opened. Slonik opens all connections of a pool at once and, where one fails, leaves
 * the others open, with nobody who could close them: a server that is short of connections would lose some at every try.
 */
function closableDriver(factory: DriverFactory) {
  const clients = new Set<ReturnType<Awaited<ReturnType<DriverFactory>>["createClient"]>>();
  let isClosed = false;
  const driverFactory: DriverFactory = async (options) => {
    const driver = await factory(options);
    return {
      createClient: async () => {
        // A pool replaces what is closed.
        if (isClosed) throw new Error("the pool is closed");
        const client = driver.createClient();
        clients.add(client);
        client.then(
          ({ on }) => on("destroy", () => clients.delete(client)),
          () => clients.delete(client),
        );
        return client;
      },
    };
  };
  const closeConnections = async () => {
    isClosed = true;
    const opened = await Promise.allSettled(clients);
    await Promise.all(opened.map((client) => client.status === "fulfilled" && client.value.destroy()));
  };
  return { driverFactory, closeConnections };
}

const parseRows: Interceptor = {
  name: "parse-rows",
  transformRow: ({ resultParser }, query, row) => {
    if (!resultParser) return row;
    const result = resultParser["~standard"].validate(row);
    if (result instanceof Promise) throw new TypeError("row schemas must be synchronous");
    if (result.issues) throw new SchemaValidationError(query, row, result.issues);
    return result.value as typeof row;
  },
};
