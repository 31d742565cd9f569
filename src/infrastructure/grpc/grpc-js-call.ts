import type { ConnectError } from "@connectrpc/connect";
import { Metadata, type ServerInterceptingCallInterface, status } from "@grpc/grpc-js";
import type { Peer } from "../../domain/caller/peer.ts";
import { asStatusMessage, errorStatus } from "./grpc-status.ts";
import type { GrpcWire } from "./grpc-wire.ts";
import { withErrorInfo } from "./listener-error.ts";

type Listener = Parameters<ServerInterceptingCallInterface["start"]>[0];
type AuthContext = ReturnType<ServerInterceptingCallInterface["getAuthContext"]>;
type ConnectionInfo = ReturnType<ServerInterceptingCallInterface["getConnectionInfo"]>;
type Status = Parameters<ServerInterceptingCallInterface["sendStatus"]>[0];

/** The codec of a method that grpc-js serves. */
export interface GrpcJsHandler {
  serialize(message: unknown): Buffer;
  deserialize(bytes: Buffer): unknown;
}

/** The longest delay of setTimeout: 2^31 - 1 ms. */
const maxTimerMs = 2 ** 31 - 1;

/** A call of a service that is written for grpc-js (health and reflection), on a GrpcWire. */
export class GrpcJsCall implements ServerInterceptingCallInterface {
  readonly #wire: GrpcWire;
  readonly #handler: GrpcJsHandler;
  readonly #deadline: number;

  constructor(wire: GrpcWire, handler: GrpcJsHandler) {
    this.#wire = wire;
    this.#handler = handler;
    this.#deadline = Date.now() + (wire.head.timeoutMs ?? Number.POSITIVE_INFINITY);
  }

  get peer(): Peer {
    return this.#wire.peer;
  }

  start(listener: Listener): void {
    const { fault, headers, timeoutMs } = this.#wire.head;
    const timer =
      timeoutMs !== undefined && timeoutMs <= maxTimerMs
        ? setTimeout(() => this.#endAtDeadline(listener), timeoutMs)
        : undefined;
    this.#wire.listen({
      onMessage: (bytes) => this.#receive(listener, bytes),
      onHalfClose: () => listener.onReceiveHalfClose(),
      onFault: (error) => this.#refuse(listener, error),
      onCancel() {
        clearTimeout(timer);
        listener.onCancel();
      },
    });
    if (fault === undefined) listener.onReceiveMetadata(Metadata.fromHttp2Headers(headers));
    else this.#refuse(listener, fault);
  }

  startRead(): void {
    this.#wire.startRead();
  }

  sendMetadata(metadata: Metadata): void {
    this.#wire.sendMetadata(metadata);
  }

  sendMessage(message: unknown, callback: () => void): void {
    this.#wire.sendMessage(this.#handler.serialize(message), callback);
  }

  sendStatus({ code = status.UNKNOWN, details = "", metadata = null }: Status): void {
    this.#wire.sendStatus({ code, details: code === status.OK ? "" : asStatusMessage(details), metadata });
  }

  getPeer(): string {
    return this.#wire.peer.address;
  }

  getDeadline(): number {
    return this.#deadline;
  }

  getHost(): string {
    return this.#wire.head.authority;
  }

  getAuthContext(): AuthContext {
    return {};
  }

  getConnectionInfo(): ConnectionInfo {
    return {};
  }

  getMetricsRecorder(): never {
    throw new Error("per-request metrics are not supported");
  }

  #receive(listener: Listener, bytes: Buffer): void {
    let message: unknown;
    try {
      message = this.#handler.deserialize(bytes);
    } catch {
      this.#end(listener, { code: status.INVALID_ARGUMENT, details: "the request is not a valid message" });
      return;
    }
    listener.onReceiveMessage(message);
  }

  #endAtDeadline(listener: Listener): void {
    this.#end(listener, { code: status.DEADLINE_EXCEEDED, details: "the deadline has passed" });
  }

  #refuse(listener: Listener, error: ConnectError): void {
    this.#end(listener, errorStatus(withErrorInfo(error)));
  }

  #end(listener: Listener, status: Status): void {
    this.sendStatus(status);
    listener.onCancel();
  }
}
