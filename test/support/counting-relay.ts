import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Hands connections on to another port of this machine and counts them: every one is somebody's attempt. */
export class CountingRelay implements AsyncDisposable {
  /** Connections that were asked for since the start. */
  connections = 0;
  readonly #uri: URL;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => {
    this.connections += 1;
    const target = connect({ host: this.#uri.hostname, port: Number(this.#uri.port) });
    for (const socket of [client, target]) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => {
        this.#sockets.delete(socket);
        client.destroy();
        target.destroy();
      });
    }
    client.pipe(target).pipe(client);
  });

  static async start(targetUri: string): Promise<CountingRelay> {
    const relay = new CountingRelay(targetUri);
    relay.#server.listen(0, "127.0.0.1");
    await once(relay.#server, "listening");
    return relay;
  }

  private constructor(targetUri: string) {
    this.#uri = new URL(targetUri);
  }

  /** The target's URI with the relay in its place. */
  get uri(): string {
    const uri = new URL(this.#uri);
    uri.port = String((this.#server.address() as AddressInfo).port);
    return uri.href;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
