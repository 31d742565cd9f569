import { chmod, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import {
  clusterName,
  processesOf,
  send,
} from "../../src/infrastructure/db/embedded-postgres/server-processes.ts";
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "../../src/infrastructure/db/embedded-postgres.ts";

const tooManyConnections = "53300";
/** What the embedded PostgreSQL is started with. None is kept for the superuser. */
const maxConnections = 64;

/**
 * A PostgreSQL of a test's own that can be stopped, started, frozen and used up. Its URI stays the same: it names a link
 * to wherever the socket is at the time, and nothing while the server is stopped.
 */
export class StoppablePostgres implements AsyncDisposable {
  readonly #folder: string;
  readonly #holders: Client[] = [];
  #server: EmbeddedPostgres | undefined;
  #uri = "";

  /** One that runs. */
  static async start(): Promise<StoppablePostgres> {
    const folder = await mkdtemp(join(tmpdir(), "auth-test-"));
    // Whoever PostgreSQL runs as has to get through.
    await chmod(folder, 0o755);
    const postgres = new StoppablePostgres(folder);
    await postgres.start();
    return postgres;
  }

  /** One that does not run, and whose URI is known. */
  static async stopped(): Promise<StoppablePostgres> {
    const postgres = await StoppablePostgres.start();
    await postgres.stop();
    return postgres;
  }

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** URI of the database "auth". */
  get uri(): string {
    return this.#uri;
  }

  async start(): Promise<void> {
    this.#server = await startEmbeddedPostgres({ dataDir: join(this.#folder, "data") });
    const uri = new URL(this.#server.uri);
    const link = join(this.#folder, "socket");
    await rm(link, { force: true });
    await symlink(String(uri.searchParams.get("host")), link);
    uri.searchParams.set("host", link);
    this.#uri = uri.href;
  }

  /** Gives it a password that a test knows, which it keeps. */
  async setPassword(password: string): Promise<void> {
    const uri = new URL(this.#uri);
    const client = new Client({ connectionString: this.#uri });
    await client.connect();
    await client.query(`alter role ${uri.username} password '${password}'`);
    await client.end();
    await writeFile(join(this.#folder, "data/database-password"), password);
    uri.password = password;
    this.#uri = uri.href;
  }

  /** A fast shutdown: clients are cut off with 57P01. */
  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = undefined;
  }

  /** Freezes every process of the server, as a host that hangs does: sockets stay open, nothing answers. */
  async pause(): Promise<void> {
    // Twice: the first round may miss a backend that is just being forked.
    for (const _ of ["all", "those that were forked meanwhile"]) await this.#signal("SIGSTOP");
  }

  async resume(): Promise<void> {
    await this.#signal("SIGCONT");
  }

  /** Takes every connection there is, those of others too, or all but a few. */
  async takeAllConnections(butFor = 0): Promise<void> {
    const cutOthers =
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'auth'";
    do {
      await Promise.all(Array.from({ length: maxConnections }, () => this.#hold()));
      await this.#holders[0]?.query(cutOthers);
    } while (this.#holders.length < maxConnections);
    await Promise.all(this.#holders.splice(0, butFor).map((client) => client.end()));
  }

  /** Gives back what {@link takeAllConnections} took. */
  async giveConnectionsBack(): Promise<void> {
    await Promise.all(this.#holders.splice(0).map((client) => client.end()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resume();
    await this.giveConnectionsBack();
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Takes one connection more, where there is one to have. */
  async #hold(): Promise<void> {
    const client = new Client({ connectionString: this.uri, application_name: "holder" });
    client.on("error", () => {});
    try {
      await client.connect();
      this.#holders.push(client);
    } catch (error) {
      if ((error as { code?: string }).code !== tooManyConnections) throw error;
    }
  }

  async #signal(signal: NodeJS.Signals): Promise<void> {
    if (this.#server === undefined) return;
    const pids = await processesOf(await clusterName(join(this.#server.dataDir, "postgres")));
    // The oldest first: the postmaster, so that it forks no more.
    for (const pid of pids.sort((a, b) => a - b)) send(signal, pid);
  }
}
