import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { distrust, peerOf, trust } from "../tls/peer.ts";
import { presentedChain } from "../tls/presented-chain.ts";
import type { TlsFiles } from "../tls/tls-files.ts";

/** Why the server closes a connection. */
export type CloseReason =
  | "certificate expired"
  | "certificate no longer trusted"
  | "HTTP/2 protocol error"
  | "maximum age"
  | "too many concurrent calls"
  | "too many cancelled calls";

/** Reasons that a well-behaved client never causes. */
export const abuseReasons: ReadonlySet<CloseReason> = new Set([
  "HTTP/2 protocol error",
  "too many concurrent calls",
  "too many cancelled calls",
]);

/** A connection that the server has closed. */
export interface ClosedConnection {
  /** IP address of the client; empty on a Unix socket. */
  readonly peer: string;
  readonly reason: CloseReason;
}

export interface OpenConnectionsOptions {
  /** The certificates of the connections must stay valid for the client authorities of these files. */
  readonly tls: TlsFiles | undefined;
  /** Milliseconds, ±10 %. Connections have no maximum age if absent. */
  readonly maxAgeMs?: number | undefined;
  /** How long the requests in flight may still take before the socket is destroyed. */
  readonly graceMs: number;
  readonly onClose?: ((closed: ClosedConnection) => void) | undefined;
}

interface Connection {
  readonly socket: Socket;
  readonly closeGracefully: (reason: CloseReason) => void;
  /** The client's certificate, then the others that it presented. */
  readonly chain: readonly X509Certificate[];
  /**
   * The domain whose authority signed the certificate when the connection opened. Undefined if there was none: then
   * there is no trust to withdraw.
   */
  readonly trustDomain: string | undefined;
  expiry: NodeJS.Timeout | undefined;
  age: NodeJS.Timeout | undefined;
  isClosing: boolean;
}

/** How soon a clock that is set forward is noticed. Also keeps timers below Node's limit of 24 days. */
const longestTimerMs = 60_000;

/**
 * The connections of one listener that are ready for requests. Closes each gracefully when it reaches its maximum age,
 * or when its client certificate is no longer valid: it has expired, or its authority is not in a new CA bundle.
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
   * @param closeGracefully accepts no new request, lets those in flight finish, then closes the socket
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

  /** Stops checking certificates and ages. */
  [Symbol.dispose](): void {
    this.#stopWatching?.();
    for (const connection of this.#open) this.#forget(connection);
  }

  /**
   * Records in the connection's peer which trust domain its certificate belongs to. Calls report a fault of the
   * certificate.
   */
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
