import type { Http2Session } from "node:http2";
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { ConnectionInjector } from "@grpc/grpc-js";
import type { OpenConnections } from "../sockets/open-connections.ts";
import type { TlsFiles } from "../tls/tls-files.ts";

/** Time limit for the TLS handshake. */
const handshakeTimeoutMs = 10_000;

/** Creates a server that passes its connections to `sockets` once they are ready for HTTP/2. */
export function openServer(tls: TlsFiles | undefined, sockets: OpenSockets): NetServer {
  const ready = (socket: Socket) => sockets.hand(socket);
  if (tls === undefined) {
    return createServer(ready).prependListener("connection", (socket) => sockets.add(socket));
  }
  const options = { ...tls.context, ALPNProtocols: ["h2"], handshakeTimeout: handshakeTimeoutMs };
  const server = createTlsServer(options, ready);
  tls.keepUpToDate(server);
  return server.prependListener("connection", (socket) => sockets.add(socket));
}

/**
 * How long after the grace grpc-js may take to end its connections, before their sockets are destroyed. Milliseconds.
 */
const forceAfterMs = 100;

/** The connections of the port, from the moment they are accepted. */
export class OpenSockets {
  private readonly injector: ConnectionInjector;
  private readonly newestSession: () => Http2Session | undefined;
  private readonly connections: OpenConnections;
  private readonly open = new Set<Socket>();
  private drained: Promise<void> | undefined;

  constructor(
    injector: ConnectionInjector,
    newestSession: () => Http2Session | undefined,
    connections: OpenConnections,
  ) {
    this.injector = injector;
    this.newestSession = newestSession;
    this.connections = connections;
  }

  add(socket: Socket): void {
    this.open.add(socket);
    socket.once("close", () => this.open.delete(socket));
  }

  hand(socket: Socket): void {
    // A connection error ends the calls of the connection; nothing else remains to be done.
    socket.on("error", ignore);
    if (this.drained === undefined) {
      this.injector.injectConnection(socket);
      // The injector has just created the session, synchronously.
      const session = this.newestSession();
      this.connections.add(socket, () => (session === undefined ? socket.destroySoon() : session.close()));
    } else {
      socket.destroy();
    }
  }

  drain(servers: readonly NetServer[], graceMs: number): Promise<void> {
    this.drained ??= this.drainOnce(servers, graceMs);
    return this.drained;
  }

  private async drainOnce(servers: readonly NetServer[], graceMs: number): Promise<void> {
    // `close` completes when the server's last connection has closed.
    const closed = Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
    this.injector.drain(graceMs);
    const force = setTimeout(() => {
      for (const socket of this.open) {
        socket.destroy();
      }
    }, graceMs + forceAfterMs);
    await closed;
    clearTimeout(force);
    this.connections[Symbol.dispose]();
    this.injector.destroy();
  }
}

function ignore(): void {}
