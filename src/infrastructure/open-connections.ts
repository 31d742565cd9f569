import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { distrust, peerOf, trust } from "./peer.ts";
import { presentedChain } from "./presented-chain.ts";
import type { TlsFiles } from "./tls-files.ts";

/** Why a connection is closed by this side. */
export type CloseReason =
  | "certificate expired"
  | "certificate no longer trusted"
  | "HTTP/2 protocol error"
  | "maximum age"
  | "too many concurrent calls"
  | "too many cancelled calls";

/** The reasons that a client in good order never gives. */
export const hostileReasons: ReadonlySet<CloseReason> = new Set([
  "HTTP/2 protocol error",
  "too many concurrent calls",
  "too many cancelled calls",
]);

/** A connection that this side has closed. */
export interface ClosedConnection {
  /** IP address of the client; empty on a Unix socket. */
  readonly peer: string;
  readonly reason: CloseReason;
}

export interface OpenConnectionsOptions {
  /** The files whose client authorities the connections' certificates must stay valid for. */
  readonly tls: TlsFiles | undefined;
  /** Give or take a tenth. Without it connections may get as old as they like. */
  readonly maxAgeMs?: number | undefined;
  /** What the requests in flight get to finish, before the socket is destroyed. */
  readonly graceMs: number;
  readonly onClose?: ((closed: ClosedConnection) => void) | undefined;
}

interface Connection {
  readonly socket: Socket;
  readonly closeGracefully: (reason: CloseReason) => void;
  /** The client's certificate and what it presented with it. */
  readonly chain: readonly X509Certificate[];
  /** The domain whose authority vouched for it at first. Undefined if there was none: then there is no trust to withdraw. */
  readonly trustDomain: string | undefined;
  expiry: NodeJS.Timeout | undefined;
  age: NodeJS.Timeout | undefined;
  isClosing: boolean;
}

/** A clock that is set forward is noticed after this long. Also keeps timers below the 24 days that Node counts to. */
const longestTimerMs = 60_000;

/**
 * The connections of one listener that are ready for requests. Closes each gracefully once it has become too old, or once
 * its client certificate is not valid any longer: because it has expired, or because a new CA bundle does not hold its
 * authority.
 */
export class OpenConnections implements Disposable {
  readonly #options: OpenConnectionsOptions;
  readonly #open = new Set<Connection>();
  readonly #stopWatching: (() => void) | undefined;

  constructor(options: OpenConnectionsOptions) {
    this.#options = options;
    this.#stopWatching = options.tls?.onNewAuthorities(() => {
      for (const connection of this.#open) this.#checkCertificate(connection);
    });
  }

  /**
   * @param socket after the TLS handshake
   * @param closeGracefully accepts no new request, lets those in flight finish, and closes the socket then
   */
  add(socket: Socket, closeGracefully: (reason: CloseReason) => void): void {
    const { chain, trustDomain } = this.#trusted(socket);
    const connection: Connection = {
      socket,
      closeGracefully,
      chain,
      trustDomain,
      expiry: undefined,
      age: undefined,
      isClosing: false,
    };
    this.#open.add(connection);
    socket.once("close", () => this.#forget(connection));
    const { maxAgeMs } = this.#options;
    if (maxAgeMs !== undefined) {
      const jitter = 0.9 + Math.random() / 5;
      connection.age = setTimeout(() => this.#close(connection, "maximum age"), maxAgeMs * jitter).unref();
    }
    this.#checkCertificate(connection);
  }

  /** Stops looking at certificates and ages. */
  [Symbol.dispose](): void {
    this.#stopWatching?.();
    for (const connection of this.#open) this.#forget(connection);
  }

  /** Tells the connection's peer which trust domain its certificate belongs to. A fault is for its calls to answer. */
  #trusted(socket: Socket): Pick<Connection, "chain" | "trustDomain"> {
    const authorities = this.#options.tls?.clientAuthorities;
    const tls = socket as TLSSocket;
    if (authorities === undefined || tls.authorized !== true) return { chain: [], trustDomain: undefined };
    const chain = presentedChain(tls);
    const { trustDomain, fault } = authorities.verify(chain);
    if (trustDomain === undefined) distrust(socket, fault);
    else trust(socket, trustDomain);
    return { chain, trustDomain };
  }

  #checkCertificate(connection: Connection): void {
    const { trustDomain } = connection;
    if (trustDomain === undefined || connection.isClosing) return;
    const verdict = this.#options.tls?.clientAuthorities?.verify(connection.chain);
    if (verdict?.trustDomain !== trustDomain) {
      distrust(connection.socket, `its CA is no longer in the bundle of ${trustDomain}`);
      this.#close(connection, "certificate no longer trusted");
      return;
    }
    const leftMs = verdict.validUntil - Date.now();
    if (leftMs <= 0) {
      distrust(connection.socket, "it or its CA has expired");
      this.#close(connection, "certificate expired");
      return;
    }
    clearTimeout(connection.expiry);
    const timerMs = Math.min(leftMs, longestTimerMs);
    connection.expiry = setTimeout(() => this.#checkCertificate(connection), timerMs).unref();
  }

  #close(connection: Connection, reason: CloseReason): void {
    if (connection.isClosing) return;
    connection.isClosing = true;
    const { socket } = connection;
    const force = setTimeout(() => socket.destroy(), this.#options.graceMs).unref();
    socket.once("close", () => clearTimeout(force));
    this.#options.onClose?.({ peer: peerOf(socket).address, reason });
    connection.closeGracefully(reason);
  }

  #forget(connection: Connection): void {
    clearTimeout(connection.expiry);
    clearTimeout(connection.age);
    this.#open.delete(connection);
  }
}
