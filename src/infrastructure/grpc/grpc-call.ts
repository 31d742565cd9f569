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

/** A method as it is served: its handler with all interceptors around it. */
export interface BoundMethod {
  readonly spec: MethodImplSpec;
  readonly run: AnyFn;
  readonly admit: Admit | undefined;
  readonly maxTimeoutMs: number;
  /** How long a request of a stream may take to come, from when it is waited for. */
  readonly maxRequestMs: number;
  urlOn(authority: string): string;
  contextOf(peer: Peer): ContextValues;
  /** Told of every error that leaves as "internal error". */
  report(error: unknown): void;
}

/** Made once: a stack trace is most of the cost of an error, and callers without credentials choose how many there are. */
const notAdmitted = new ConnectError("the call was not admitted", Code.PermissionDenied);

/** What a stream whose reader waits may hold: HTTP/2's initial window (RFC 9113 §6.9.2). */
const windowBytes = 65_535;

/**
 * One call of a Connect method, from its headers to its one status. Nothing of its body is read before it is admitted, so
 * that a caller without credentials cannot make the process hold anything.
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

  /** @param onAdmitted called once the caller may make the call */
  constructor(wire: GrpcWire, method: BoundMethod, onAdmitted: () => void) {
    this.wire = wire;
    this.method = method;
    this.onAdmitted = onAdmitted;
    this.header = new LazyHeaders(wire.head.headers);
    this.values = method.contextOf(wire.peer);
  }

  /** From the moment at which the stream opens, because what it says until then is lost. */
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

  /** Reads one more request of a stream. A caller that stays silent does not keep its stream open. */
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
      // A request that has to be the only one has come when its end has.
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

  /** Runs the interceptors, so that they see the call, on a request whose message cannot be had because of `error`. */
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

  /** Once. Headers that nobody has touched are left to grpc-js, so that an error can go out in a single frame. */
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
