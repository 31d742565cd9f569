import { freeAddresses } from "./free-addresses.ts";
import { createTestDatabase, type TestDatabase } from "./postgres.ts";
import { type Environment, type RunningService, type ServiceProcess, startService } from "./service.ts";

/** Replicas of the service on one database, each of which keeps its gRPC address over restarts. */
export class Replicas implements AsyncDisposable {
  readonly addresses: readonly string[];
  readonly #database: TestDatabase;
  readonly #environments: readonly Environment[];
  readonly #running: RunningService[] = [];
  /** All processes so far. */
  readonly #processes: ServiceProcess[] = [];

  /** @param environments one for each replica */
  static async start(environments: readonly Environment[]): Promise<Replicas> {
    const addresses = await freeAddresses(environments.length);
    const replicas = new Replicas(addresses, environments, await createTestDatabase());
    const starts = await Promise.allSettled(environments.map((_, which) => replicas.startAgain(which)));
    const failed = starts.find((start) => start.status === "rejected");
    if (failed === undefined) return replicas;
    await replicas[Symbol.asyncDispose]();
    throw failed.reason;
  }

  private constructor(
    addresses: readonly string[],
    environments: readonly Environment[],
    database: TestDatabase,
  ) {
    this.addresses = addresses;
    this.#environments = environments;
    this.#database = database;
  }

  get running(): readonly RunningService[] {
    return this.#running;
  }

  async startAgain(which: number): Promise<void> {
    const started = await startService({
      DATABASE_URL: this.#database.uri,
      AUTH_MIGRATE: "auto",
      AUTH_GRPC_ADDRESS: this.addresses[which],
      AUTH_DRAIN_DELAY: "300ms",
      ...this.#environments[which],
    });
    this.#running[which] = started;
    this.#processes.push(started.process);
  }

  /** Ends a replica. Returns its exit code, or the signal that killed it. */
  stop(which: number, signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    const { process } = this.#running[which]!;
    process.kill(signal);
    return process.exited();
  }

  /** Whether the database did not keep up with a replica, as on a machine that is too busy. */
  get haveSlowDatabase(): boolean {
    const warnings = this.#processes.flatMap(({ log }) => log).filter(({ level }) => level === 40);
    return warnings.some(
      ({ msg, err, code }) =>
        code === "ABORTED" || `${msg} ${(err as Error | undefined)?.message}`.includes("database"),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.map((service) => service?.[Symbol.asyncDispose]()));
    await this.#database.drop();
  }
}
