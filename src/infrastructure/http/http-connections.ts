import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import type { OpenConnections } from "../sockets/open-connections.ts";

/** The state of one connection. */
interface State {
  readonly answers: Set<ServerResponse>;
  /** Bytes read when the last response was sent. Any more belong to a new request. */
  bytesRead: number;
  /** When the last response was sent, by `performance.now()`. */
  idleSince: number;
  isClosing: boolean;
}

/** How long a client may take to send its next request after a response. Milliseconds. */
const lingerMs = 1_000;

/**
 * The connections of an HTTP/1.1 server, from the moment they are accepted.
 *
 * Node allows a new connection as much time for its first byte as for the rest of its headers, and cannot close it
 * gracefully. So a connection reaches Node's parser only with its first byte, and requests are counted here.
 */
export class HttpConnections {
  readonly #server: Server;
  readonly #open: OpenConnections;
  readonly #unusedTimeoutMs: number;
  readonly #states = new Map<Socket, State>();
  /** By the client's address and port, because the socket of a request is not the accepted socket. */
  readonly #handshakes = new Map<string, Socket>();
  #isDraining = false;

  /**
   * @param server not listening yet
   * @param unusedTimeoutMs how long a connection may be open without a byte of its first request
   */
  constructor(server: Server, open: OpenConnections, unusedTimeoutMs: number) {
    this.#server = server;
    this.#open = open;
    this.#unusedTimeoutMs = unusedTimeoutMs;
    const isTls = server instanceof TlsServer;
    if (isTls) this.#watchHandshakes();
    this.#take(isTls ? "secureConnection" : "connection");
    server.prependListener("request", (request, response) => this.#begin(request, response));
  }

  /**
   * Stops accepting connections, closes those without a request, waits for the requests in flight and aborts the rest
   * after `graceMs`.
   */
  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#handshakes.values()) socket.destroy();
    for (const [socket, { answers }] of this.#states) {
      if (answers.size === 0) socket.destroy();
      else this.#closeGracefully(socket, false);
    }
    const force = setTimeout(() => {
      for (const socket of [...this.#states.keys(), ...this.#handshakes.values()]) socket.destroy();
    }, graceMs);
    await closed;
    clearTimeout(force);
  }

  #watchHandshakes(): void {
    this.#server.on("connection", (socket: Socket) => {
      // A Unix socket has no address to identify it. A drain waits for its handshake, or aborts it after the grace.
      if (socket.remotePort === undefined) return;
      const name = nameOf(socket);
      this.#handshakes.set(name, socket);
      socket.once("close", () => this.#handshakes.delete(name));
    });
    this.#server.prependListener("secureConnection", (socket: Socket) => {
      this.#handshakes.delete(nameOf(socket));
    });
  }

  /** Intercepts the server's own listener, which starts the parser. */
  #take(event: "connection" | "secureConnection"): void {
    const [parse] = this.#server.listeners(event).slice(event === "connection" ? 0 : -1);
    if (parse === undefined) throw new Error(`node:http no longer listens to "${event}"`);
    this.#server.off(event, parse as () => void);
    this.#server.on(event, (socket: Socket) => {
      const state: State = { answers: new Set(), bytesRead: 0, idleSince: 0, isClosing: false };
      this.#states.set(socket, state);
      socket.once("close", () => this.#states.delete(socket));
      // A connection error ends the requests of the connection; nothing else remains to be done.
      socket.on("error", ignore);
      this.#open.add(socket, (reason) => this.#closeGracefully(socket, reason === "maximum age"));
      if (this.#isDraining) socket.destroy();
      else this.#parseLater(socket, () => parse.call(this.#server, socket));
    });
  }

  #parseLater(socket: Socket, parse: () => void): void {
    const unused = setTimeout(() => socket.destroySoon(), this.#unusedTimeoutMs).unref();
    socket.once("close", () => clearTimeout(unused));
    socket.once("readable", () => {
      clearTimeout(unused);
      if (!socket.destroyed) parse();
    });
  }

  #begin({ socket }: IncomingMessage, response: ServerResponse): void {
    const state = this.#states.get(socket);
    if (state === undefined) return;
    state.answers.add(response);
    if (state.isClosing) response.setHeader("connection", "close");
    response.once("close", () => {
      state.answers.delete(response);
      state.bytesRead = socket.bytesRead;
      state.idleSince = performance.now();
      if (state.isClosing && state.answers.size === 0) socket.destroySoon();
    });
  }

  #closeGracefully(socket: Socket, mayLinger: boolean): void {
    const state = this.#states.get(socket);
    if (state === undefined || state.isClosing) return;
    state.isClosing = true;
    for (const response of state.answers) {
      if (!response.headersSent) response.setHeader("connection", "close");
    }
    const closeIfIdle = () => {
      const isArriving = socket.bytesRead > state.bytesRead;
      if (state.answers.size === 0 && !isArriving) socket.destroySoon();
    };
    if (mayLinger && performance.now() - state.idleSince < lingerMs)
      setTimeout(closeIfIdle, lingerMs).unref();
    else closeIfIdle();
  }
}

/** The client's address and port. */
function nameOf(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}

function ignore(): void {}
