import type { Message } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ContextValues,
  type MethodImplSpec,
  type StreamRequest,
  type StreamResponse,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import type { Peer } from "../../domain/caller/peer.ts";
import type { Admit } from "./admit.ts";
import { CallLife } from "./call-life.ts";
import { CallRequest, type CallState, failMessage } from "./call-request.ts";
import { errorStatus, type GrpcStatus, okStatus } from "./grpc-status.ts";
import type { GrpcWire, WireListener } from "./grpc-wire.ts";
import { IncomingMessages } from "./incoming-messages.ts";
import type { AnyFn } from "./invoke.ts";
import { LazyHeaders, metadataOf } from "./lazy-headers.ts";
import { overloaded } from "./listener-error.ts";
import { decodeRequest, encodeResponse } from "./message-bytes.ts";
import { stop } from "./until-aborted.ts";

/** A method with its handler, wrapped in all interceptors. */
export interface BoundMethod {
  readonly spec: MethodImplSpec;
  readonly run: AnyFn;
  readonly admit: Admit | undefined;
  readonly maxTimeoutMs: number;
  /** How long a request of a stream may take to arrive once it is awaited. Milliseconds. */
  readonly maxRequestMs: number;
  urlOn(authority: string): string;
  contextOf(peer: Peer): ContextValues;
  /** Called with each error that is answered as "internal error". */
  report(error: unknown): void;
}

/**
 * Created once: the stack trace is most of the cost of an error, and unauthenticated callers control how often it is
 * used.
 */
const notAdmitted = new ConnectError("the call was not admitted", Code.PermissionDenied);

/**
 * Bytes reserved for a stream of requests, which may hold that much unread: HTTP/2's initial window (RFC 9113 §6.9.2).
 */
const windowBytes = 65_535;

/**
 * One call of a Connect method, from its headers to its status. The body is not read before the call is admitted, so
 * unauthenticated callers cannot make the process hold any of it.
 */
export class GrpcCall implements WireListener, CallState {
  readonly life = new CallLife();
  readonly responseHeader = new LazyHeaders();
  readonly responseTrailer = new LazyHeaders();

  private readonly wire: GrpcWire;
  private readonly method: BoundMethod;
  private readonly onAdmitted: () => void;
  private readonly header: LazyHeaders;
  private readonly values: ContextValues;
  private bytes: Uint8Array | undefined;
  private incoming: IncomingMessages<Message> | undefined;
  private started = false;
  private headerSent = false;
  private requestTimer: NodeJS.Timeout | undefined;
  private finished = false;

  /** @param onAdmitted called when the call is admitted */
  constructor(wire: GrpcWire, method: BoundMethod, onAdmitted: () => void) {
    this.wire = wire;
    this.method = method;
    this.onAdmitted = onAdmitted;
    this.header = new LazyHeaders(wire.head.headers);
    this.values = method.contextOf(wire.peer);
  }

  /** Must be called as soon as the stream opens: events before that are lost. */
  listen(): void {
    this.wire.listen(this);
  }

  start(): void {
    if (this.finished) return;
    this.startDeadline();
    const { admit, spec } = this.method;
    if (admit === undefined) {
      this.onAdmitted();
      this.read();
      return;
    }
    const { header, values: contextValues } = this;
    void admit({ method: spec.method, header, contextValues }).then((isAdmitted) => {
      if (!isAdmitted) {
        this.runWithout(notAdmitted);
        return;
      }
      this.onAdmitted();
      this.read();
    });
  }

  private read(): void {
    if (this.started || this.finished) {
      return;
    }
    const { kind, method } = this.method.spec;
    if (this.wire.head.fault !== undefined) {
      this.runWithout(this.wire.head.fault);
      return;
    }
    if (kind === "unary") {
      this.wire.startRead();
      return;
    }
    if (kind !== "server_streaming" && !this.wire.lease.take(windowBytes)) {
      this.runWithout(overloaded());
      return;
    }
    this.incoming = new IncomingMessages<Message>(
      () => this.readNext(),
      (bytes) => decodeRequest(method, bytes),
    );
    this.run(this.incoming);
  }

  /** Reads one more request of a stream. The timer ends a stream whose caller stays silent. */
  private readNext(): void {
    const fail = () => this.incoming?.fail(requestTooSlow());
    this.requestTimer ??= setTimeout(fail, this.method.maxRequestMs);
    this.wire.startRead();
  }

  private stopWaiting(): void {
    clearTimeout(this.requestTimer);
    this.requestTimer = undefined;
  }

  onMessage(bytes: Uint8Array): void {
    if (this.incoming !== undefined) {
      // The only request of a server-streaming call is not complete before the caller half-closes.
      if (this.method.spec.kind !== "server_streaming") this.stopWaiting();
      this.incoming.push(bytes);
    } else if (this.bytes === undefined) {
      this.bytes = bytes;
      this.wire.startRead();
    } else {
      this.runWithout(new ConnectError("the request has more than one message", Code.Unimplemented));
    }
  }

  onHalfClose(): void {
    this.stopWaiting();
    if (this.incoming !== undefined) {
      this.incoming.end();
    } else if (this.bytes === undefined) {
      this.runWithout(new ConnectError("the request has no message", Code.Unimplemented));
    } else {
      this.runUnary(this.bytes);
    }
  }

  onFault(error: ConnectError): void {
    if (this.incoming !== undefined) {
      this.incoming.fail(error);
    } else {
      this.runWithout(error);
    }
  }

  onCancel(): void {
    if (this.finished) {
      return;
    }
    this.finished = true;
    this.stopWaiting();
    const reason = this.life.leave();
    this.incoming?.fail(reason);
  }

  private startDeadline(): void {
    const { maxTimeoutMs } = this.method;
    const timeoutMs = Math.min(this.wire.head.timeoutMs ?? maxTimeoutMs, maxTimeoutMs);
    this.life.start(
      timeoutMs,
      (reason) => {
        this.incoming?.fail(reason);
        this.runWithout(reason);
      },
      (reason) => this.finish(errorStatus(reason)),
    );
  }

  private runUnary(bytes: Uint8Array): void {
    let message: Message;
    try {
      message = decodeRequest(this.method.spec.method, bytes);
    } catch (error) {
      this.runWithout(error);
      return;
    }
    this.run(message);
  }

  private run(message: unknown): void {
    if (!this.started) {
      void this.answer(this.requestWith(message));
    }
  }

  /** Runs the interceptors on a request whose `message` throws `error`, so that they see the failed call. */
  private runWithout(error: unknown): void {
    if (!this.started) {
      const request = this.requestWith(undefined);
      failMessage(request, error);
      void this.answer(request);
    }
  }

  private requestWith(message: unknown): CallRequest {
    const { method } = this.method.spec;
    const url = this.method.urlOn(this.wire.head.authority);
    return new CallRequest(this, method, url, this.header, this.values, message);
  }

  private async answer(request: CallRequest): Promise<void> {
    this.started = true;
    try {
      const response = await this.method.run(request as unknown as UnaryRequest | StreamRequest);
      if (response.stream) {
        await this.sendAll(response);
      } else {
        this.sendOne(response);
      }
    } catch (error) {
      this.fail(error);
    }
  }

  private sendOne(response: UnaryResponse): void {
    if (this.finished) {
      return;
    }
    const bytes = encodeResponse(this.method.spec.method, response.message);
    this.sendHeader(response.header);
    this.wire.sendMessage(bytes, ignore);
    this.finish(okStatus(response.trailer));
  }

  private async sendAll(response: StreamResponse): Promise<void> {
    const messages = response.message[Symbol.asyncIterator]();
    try {
      for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
        this.life.throwIfAborted();
        const bytes = encodeResponse(this.method.spec.method, next.value);
        this.sendHeader(response.header);
        await this.life.orAborted(new Promise<void>((sent) => this.wire.sendMessage(bytes, sent)));
      }
    } catch (error) {
      stop(messages);
      throw error;
    }
    if (!this.finished) {
      this.sendHeader(response.header);
      this.finish(okStatus(response.trailer));
    }
  }

  private fail(error: unknown): void {
    if (this.finished) {
      return;
    }
    if (!(error instanceof ConnectError)) {
      this.method.report(error);
    }
    this.sendHeader(this.responseHeader);
    this.finish(errorStatus(error, this.responseTrailer));
  }

  private finish(status: GrpcStatus): void {
    if (!this.finished) {
      this.finished = true;
      this.stopWaiting();
      this.life.end();
      this.wire.sendStatus(status);
    }
  }

  /**
   * Sends the headers once. Headers that were not touched are left to GrpcWire, which can then send an error in a
   * single frame.
   */
  private sendHeader(header: Headers): void {
    if (!this.headerSent) {
      const metadata = metadataOf(header);
      if (metadata !== undefined) {
        this.headerSent = true;
        this.wire.sendMetadata(metadata);
      }
    }
  }
}

function requestTooSlow(): ConnectError {
  return new ConnectError("the request did not arrive in time", Code.DeadlineExceeded);
}

function ignore(): void {}
