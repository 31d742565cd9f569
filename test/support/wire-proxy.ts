import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { discardPlans, planSettings } from "../../src/infrastructure/db/session-plans.ts";
import { type Accent, cockroachdb, postgresql } from "./wire-proxy/accent.ts";
import type { Faults } from "./wire-proxy/faults.ts";
import { Link } from "./wire-proxy/link.ts";

export type { Fault, Faults, InjectedError } from "./wire-proxy/faults.ts";

/** What the proxy makes clients believe that the server is. It is a PostgreSQL. */
export type Disguise = "postgresql" | "cockroachdb";

const accents: Record<Disguise, Accent> = { postgresql, cockroachdb };

/**
 * A proxy between a PostgreSQL client and a real server that reads the wire (protocol 3.0) and injects faults at
 * statements. `as: "cockroachdb"` has the server look like CockroachDB where our code could tell (accent.ts).
 */
export class WireProxy implements AsyncDisposable {
  /** What goes wrong from now on. */
  faults: Faults = () => undefined;
  /** Every statement that was sent, in order, as the client sent it, without those by which the driver looks after its plans. */
  readonly statements: string[] = [];
  /** The same with these, which come when a connection begins and then now and then. They meet no faults. */
  readonly everything: string[] = [];
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #target: { path: string } | { host: string; port: number };
  readonly #uri: URL;
  #refusing = false;

  static async start(targetUri: string, options: { readonly as?: Disguise } = {}): Promise<WireProxy> {
    const proxy = new WireProxy(new URL(targetUri), accents[options.as ?? "postgresql"]);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor(uri: URL, accent: Accent) {
    this.#uri = uri;
    const folder = uri.searchParams.get("host");
    const port = Number(uri.searchParams.get("port") ?? (uri.port || 5432));
    this.#target = folder?.startsWith("/")
      ? { path: `${folder}/.s.PGSQL.${port}` }
      : { host: uri.hostname, port };
    const faultOf: Faults = (statement) => {
      this.everything.push(statement);
      if (isAboutPlans(statement)) return undefined;
      this.statements.push(statement);
      return this.faults(statement);
    };
    this.#server = createServer((client) => {
      if (this.#refusing) {
        client.destroy();
        return;
      }
      const link = new Link(client, connect(this.#target), faultOf, accent);
      this.#links.add(link);
      client.once("close", () => this.#links.delete(link));
    });
  }

  /** The target's URI with the proxy in its place. */
  get uri(): string {
    const uri = new URL(this.#uri);
    uri.searchParams.delete("host");
    uri.searchParams.delete("port");
    const { port } = this.#server.address() as AddressInfo;
    const credentials = `${uri.username || "auth"}${uri.password && `:${uri.password}`}`;
    return `postgresql://${credentials}@127.0.0.1:${port}${uri.pathname}${uri.search}`;
  }

  get connections(): number {
    return this.#links.size;
  }

  /** Cuts every connection. */
  cutAll(): void {
    for (const link of this.#links) link.cut();
  }

  /** Is a server that has gone: cuts every connection and refuses new ones; `accept` takes it back. */
  refuse(): void {
    this.#refusing = true;
    this.cutAll();
  }

  accept(): void {
    this.#refusing = false;
  }

  /** Stops reading and writing on every connection, as a host that has gone does; `resume` takes it back. */
  pause(): void {
    for (const link of this.#links) link.pause();
  }

  resume(): void {
    for (const link of this.#links) link.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cutAll();
    this.#server.close();
    await once(this.#server, "close");
  }
}

const settings: readonly string[] = Object.values(planSettings);

function isAboutPlans(statement: string): boolean {
  return statement === discardPlans || settings.includes(statement);
}
