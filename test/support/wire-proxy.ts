import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What a PostgreSQL server would say of itself: severity defaults to ERROR. */
export interface InjectedError {
  readonly code: string;
  readonly message: string;
  readonly severity?: "ERROR" | "FATAL";
  /** The constraint that was violated. CockroachDB names nothing else. */
  readonly constraint?: string;
}

/**
 * What happens to a statement. `before`: the server never sees it. `after`: the server has done it, but the client is
 * not told so.
 */
export interface Fault {
  readonly when: "before" | "after";
  readonly what: "cut" | InjectedError | { readonly delayMs: number };
}

/** Asked for every statement that a client sends; undefined lets it pass. */
export type Faults = (statement: string) => Fault | undefined;

/**
 * A proxy between a PostgreSQL client and a real server that reads the wire (protocol 3.0) and injects faults at
 * statements.
 */
export class WireProxy implements AsyncDisposable {
  /** What goes wrong from now on. */
  faults: Faults = () => undefined;
  /** Every statement that was sent, in order. */
  readonly statements: string[] = [];
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #target: { path: string } | { host: string; port: number };
  readonly #uri: URL;
  #refusing = false;

  static async start(targetUri: string): Promise<WireProxy> {
    const proxy = new WireProxy(new URL(targetUri));
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor(uri: URL) {
    this.#uri = uri;
    const folder = uri.searchParams.get("host");
    const port = Number(uri.searchParams.get("port") ?? (uri.port || 5432));
    this.#target = folder?.startsWith("/")
      ? { path: `${folder}/.s.PGSQL.${port}` }
      : { host: uri.hostname, port };
    this.#server = createServer((client) => {
      if (this.#refusing) {
        client.destroy();
        return;
      }
      const link = new Link(client, connect(this.#target), (statement) => {
        this.statements.push(statement);
        return this.faults(statement);
      });
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
    return `postgresql://${uri.username || "auth"}@127.0.0.1:${port}${uri.pathname}${uri.search}`;
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

const bind = 0x42; // B
const parse = 0x50; // P
const query = 0x51; // Q
const sync = 0x53; // S
const readyForQuery = 0x5a; // Z

/** One client's connection and its own connection to the server. */
class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #faultOf: (statement: string) => Fault | undefined;
  /** The startup message has no type byte. */
  #started = false;
  #fromClient = Buffer.alloc(0);
  #fromServer = Buffer.alloc(0);
  /** Set while the answer to a statement is to be kept from the client. */
  #after: Fault["what"] | undefined;
  /** Set while the client's messages up to its Sync are to be dropped. */
  #skipToSync = false;
  /** A Parse that waits for its Bind: the server must not see it where it does not see the Bind. */
  #held: Buffer = Buffer.alloc(0);
  /** The texts of prepared statements, by name. */
  readonly #parsed = new Map<string, string>();
  #work: Promise<void> = Promise.resolve();

  constructor(client: Socket, server: Socket, faultOf: (statement: string) => Fault | undefined) {
    this.#client = client;
    this.#server = server;
    this.#faultOf = faultOf;
    client.on("data", (data) => this.#serially(() => this.#onClientData(data)));
    server.on("data", (data) => this.#serially(() => this.#onServerData(data)));
    for (const socket of [client, server]) {
      socket.on("error", () => this.cut());
      socket.on("close", () => this.cut());
    }
  }

  cut(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  pause(): void {
    this.#client.pause();
    this.#server.pause();
  }

  resume(): void {
    this.#client.resume();
    this.#server.resume();
  }

  #serially(step: () => Promise<void>): void {
    this.#work = this.#work.then(step).catch(() => this.cut());
  }

  async #onClientData(data: Buffer): Promise<void> {
    this.#fromClient = Buffer.concat([this.#fromClient, data]);
    for (
      let message = this.#nextClientMessage();
      message !== undefined;
      message = this.#nextClientMessage()
    ) {
      await this.#onClientMessage(message);
    }
  }

  #nextClientMessage(): Buffer | undefined {
    const typeLength = this.#started ? 1 : 0;
    if (this.#fromClient.length < typeLength + 4) return undefined;
    const length = typeLength + this.#fromClient.readUInt32BE(typeLength);
    if (this.#fromClient.length < length) return undefined;
    const message = this.#fromClient.subarray(0, length);
    this.#fromClient = this.#fromClient.subarray(length);
    return message;
  }

  async #onClientMessage(message: Buffer): Promise<void> {
    if (!this.#started) {
      this.#started = true;
      this.#server.write(message);
      return;
    }
    if (this.#skipToSync) {
      if (message[0] === sync) {
        this.#skipToSync = false;
        this.#client.write(ready("E"));
      }
      return;
    }
    if (message[0] === parse) {
      this.#parsed.set(text(message, 5), text(message, 5 + text(message, 5).length + 1));
      this.#held = message;
      return;
    }
    const statement = this.#statementOf(message);
    const fault = statement === undefined ? undefined : this.#faultOf(statement);
    const [held, whole] = [this.#held, Buffer.concat([this.#held, message])];
    this.#held = Buffer.alloc(0);
    if (fault?.when === "before") {
      if (held.length > 0) this.#parsed.delete(text(held, 5));
      await this.#injectBefore(fault.what, whole);
      return;
    }
    this.#after ??= fault?.what;
    this.#server.write(whole);
  }

  /** What a message runs: a simple query, or a Bind of what was parsed before. */
  #statementOf(message: Buffer): string | undefined {
    if (message[0] === query) return text(message, 5);
    if (message[0] !== bind) return undefined;
    const portal = text(message, 5);
    return this.#parsed.get(text(message, 5 + portal.length + 1));
  }

  async #injectBefore(what: Fault["what"], message: Buffer): Promise<void> {
    if (what === "cut") return this.cut();
    if ("delayMs" in what) {
      await sleep(what.delayMs);
      this.#server.write(message);
      return;
    }
    this.#fail(what);
    if (message[0] === query) this.#client.write(ready("E"));
    else this.#skipToSync = true;
  }

  async #onServerData(data: Buffer): Promise<void> {
    if (this.#after === undefined) {
      this.#client.write(data);
      return;
    }
    this.#fromServer = Buffer.concat([this.#fromServer, data]);
    const status = endOfAnswer(this.#fromServer);
    if (status === undefined) return;
    const [what, answer] = [this.#after, this.#fromServer];
    this.#after = undefined;
    this.#fromServer = Buffer.alloc(0);
    if (what === "cut") return this.cut();
    if ("delayMs" in what) {
      await sleep(what.delayMs);
      this.#client.write(answer);
      return;
    }
    this.#fail(what);
    this.#client.write(ready(status === "T" ? "E" : status));
  }

  #fail(error: InjectedError): void {
    this.#client.write(errorResponse(error));
    if (error.severity === "FATAL") this.#client.end(() => this.cut());
  }
}

function text(message: Buffer, start: number): string {
  return message.toString("utf8", start, message.indexOf(0, start));
}

/** The transaction status of a ReadyForQuery at the end of what the server has sent so far. */
function endOfAnswer(bytes: Buffer): string | undefined {
  let offset = 0;
  while (offset + 5 <= bytes.length) {
    const end = offset + 1 + bytes.readUInt32BE(offset + 1);
    if (bytes[offset] === readyForQuery && end === bytes.length)
      return String.fromCharCode(bytes[offset + 5] ?? 0);
    offset = end;
  }
  return undefined;
}

function ready(status: string): Buffer {
  return Buffer.concat([Buffer.from([readyForQuery, 0, 0, 0, 5]), Buffer.from(status)]);
}

function errorResponse({ code, message, severity = "ERROR", constraint }: InjectedError): Buffer {
  const named = constraint === undefined ? "" : `n${constraint}\0`;
  const fields = Buffer.from(`S${severity}\0V${severity}\0C${code}\0M${message}\0${named}\0`);
  const header = Buffer.alloc(5);
  header.write("E");
  header.writeUInt32BE(fields.length + 4, 1);
  return Buffer.concat([header, fields]);
}
