import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { type ApiClients, grpcClients } from "../support/clients.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Environment, type RunningService, startService } from "../support/service.ts";

/** A service, and its clients over gRPC. */
export interface Instance extends ApiClients {
  readonly service: RunningService;
}

/** Two processes of the service on one database. */
export class TwoServices implements AsyncDisposable {
  readonly database: TestDatabase;
  /** What a test that looks behind the seals needs; both are started with it unless they are told otherwise. */
  readonly wrappingKey: string;
  readonly #environment: Environment;
  readonly #instances: [Instance, Instance];

  static async start(environment: Environment = {}): Promise<TwoServices> {
    const database = await createTestDatabase();
    const wrappingKey = newWrappingKey();
    const whole = {
      DATABASE_URL: database.uri,
      AUTH_MIGRATE: "auto",
      AUTH_WRAPPING_KEY: wrappingKey,
      ...environment,
    };
    const started = await Promise.allSettled([startInstance(whole), startInstance(whole)]);
    const [a, b] = started.map((each) => (each.status === "fulfilled" ? each.value : undefined));
    if (a !== undefined && b !== undefined) return new TwoServices(database, wrappingKey, whole, [a, b]);
    await Promise.all([a, b].map((each) => each?.service[Symbol.asyncDispose]()));
    await database.drop();
    throw started.find((each) => each.status === "rejected")?.reason;
  }

  private constructor(
    database: TestDatabase,
    wrappingKey: string,
    environment: Environment,
    instances: [Instance, Instance],
  ) {
    this.database = database;
    this.wrappingKey = wrappingKey;
    this.#environment = environment;
    this.#instances = instances;
  }

  get first(): Instance {
    return this.#instances[0];
  }

  get second(): Instance {
    return this.#instances[1];
  }

  get both(): readonly [Instance, Instance] {
    return this.#instances;
  }

  /** One and the other by turns. */
  byTurns(n: number): Instance {
    return this.#instances[n % 2 === 0 ? 0 : 1];
  }

  /** Ends one by SIGTERM and starts another in its place. */
  async restart(which: 0 | 1, environment: Environment = {}): Promise<void> {
    await this.#instances[which].service[Symbol.asyncDispose]();
    this.#instances[which] = await startInstance({ ...this.#environment, ...environment });
  }

  /** Ends both, so that neither is there for a while, and starts two others. */
  async restartBoth(environment: Environment = {}): Promise<void> {
    await Promise.all(this.both.map(({ service }) => service[Symbol.asyncDispose]()));
    await Promise.all([this.restart(0, environment), this.restart(1, environment)]);
  }

  /** Asks the database, past the services. */
  async query(statement: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.database.uri });
    await client.connect();
    try {
      return (await client.query(statement, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.both.map(({ service }) => service[Symbol.asyncDispose]()));
    await this.database.drop();
  }
}

export const newWrappingKey = () => randomBytes(32).toString("base64");

async function startInstance(environment: Environment): Promise<Instance> {
  const service = await startService(environment);
  return { service, ...grpcClients(service) };
}
