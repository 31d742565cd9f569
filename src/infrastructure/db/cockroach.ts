import type { DriverFactory } from "@slonik/driver";
import { createPool, type DatabasePool, type Interceptor, SchemaValidationError } from "slonik";
import { createPostgresDriver } from "./postgres-driver.ts";

export interface CockroachConfig {
  /** postgresql:// URI of a CockroachDB or PostgreSQL server. */
  readonly uri: string;
  /** Connections in the pool. At least 2: with one, work that needs a second connection would wait for itself. */
  readonly poolSize: number;
  /** Statement timeout in milliseconds. */
  readonly statementTimeoutMs: number;
}

const connectTimeoutMs = 1_500;

/**
 * Opens a Slonik pool on CockroachDB or PostgreSQL: SERIALIZABLE isolation, rows validated by the schema of their
 * query, no retries (unit-of-work.ts retries), connections kept for about ten minutes.
 * @throws Error if the server cannot be reached or refuses the connection
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
    // By the time a connection is abandoned, its work has used up its time.
    gracefulTerminationTimeout: 100,
    connectionRetryLimit: 1,
    transactionRetryLimit: 0,
    queryRetryLimit: 0,
    // Work on a connection only changes transaction-local settings, so there is nothing to reset.
    resetConnection: async () => {},
  });
  return pool.catch(async (error: unknown) => {
    await closeConnections();
    throw error;
  });
}

/**
 * A driver that can close the connections it opened. Slonik opens all connections of a pool at once. If one fails, it
 * leaves the others open and unreachable, so a server short of connections would lose some on every try.
 */
function closableDriver(factory: DriverFactory) {
  const clients = new Set<ReturnType<Awaited<ReturnType<DriverFactory>>["createClient"]>>();
  let isClosed = false;
  const driverFactory: DriverFactory = async (options) => {
    const driver = await factory(options);
    return {
      createClient: async () => {
        // The pool would otherwise replace closed connections.
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
