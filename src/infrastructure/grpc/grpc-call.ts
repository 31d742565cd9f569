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
import { type Metadata, ServerInterceptingCall, type ServerInterceptingCallInterface } from "@grpc/grpc-js";
import type { Peer } from "../../domain/caller/peer.ts";
import { CallLife } from "./call-life.ts";
import { CallRequest, type CallState, failMessage } from "./call-request.ts";
import { closeWithin, disarmDeadline, peerOfCall, wasReset } from "./grpc-js-internals.ts";
import { errorStatus, type GrpcStatus, okStatus } from "./grpc-status.ts";
import { IncomingMessages } from "./incoming-messages.ts";
import type { AnyFn } from "./invoke.ts";
import { LazyHeaders, metadataOf } from "./lazy-headers.ts";
import { decodeRequest, encodeResponse } from "./message-bytes.ts";
import { stop } from "./until-aborted.ts";

type Listener = Parameters<ServerInterceptingCallInterface["start"]>[0];

/** A method as it is served: its handler with all interceptors around it. */
export interface BoundMethod {
  readonly spec: MethodImplSpec;
  readonly run: AnyFn;
  readonly maxTimeoutMs: number;
  /** How long the one request of a stream of answers may take to come. */
  readonly maxRequestMs: number;
  urlOn(authority: string): string;
  contextOf(peer: Peer): ContextValues;
  /** Told of every error that leaves as "internal error". */
  report(error: unknown): void;
}

/** grpc-js keeps a timeout in 32 bits of milliseconds: one of more than 24 days can come out as long past. */
const wrappedMs = -60_000;

/** How long a caller may take to read its answer and to end its request. */
const unreadMs = 15_000;

/**
 * One call on the wire, from its metadata to its one status.
 *
 * grpc-js lets a server interceptor put an object between the wire and grpc-js's own handler streams. This is such an
 * object, except that it keeps all events for itself: no Node stream is made, messages are read and written one at a
 * time with the transport's own backpressure, and what that saves pays for all that is done here.
 */
export class GrpcCall extends ServerInterceptingCall implements Listener, CallState {
  readonly life = new CallLife();
  readonly responseHeader = new LazyHeaders();
  readonly responseTrailer = new LazyHeaders();

  private readonly wire: ServerInterceptingCallInterface;
  private readonly method: BoundMethod;
  private metadata: Metadata | undefined;
  private bytes: Uint8Array | undefined;
  private incoming: IncomingMessages<Message> | undefined;
  private started = false;
  private headerSent = false;
  private requestTimer: NodeJS.Timeout | undefined;
  private finished = false;

  constructor(wire: ServerInterceptingCallInterface, method: BoundMethod) {
    super(wire);
    this.wire = wire;
    this.method = method;
  }

  override start(): void {
    this.wire.start(this);
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.metadata = metadata;
    this.startDeadline();
    if (this.method.spec.kind === "unary") {
      this.wire.startRead();
      return;
    }
    this.incoming = new IncomingMessages<Message>(
      () => this.wire.startRead(),
      (bytes) => decodeRequest(this.method.spec.method, bytes),
    );
    if (this.method.spec.kind === "server_streaming") {
      this.requestTimer = setTimeout(() => this.incoming?.fail(requestTooSlow()), this.method.maxRequestMs);
    }
    this.run(this.incoming);
  }

  onReceiveMessage(bytes: Uint8Array): void {
    if (this.incoming !== undefined) {
      this.incoming.push(bytes);
    } else if (this.bytes === undefined) {
      this.bytes = bytes;
      this.wire.startRead();
    } else {
      this.runWithout(new ConnectError("the request has more than one message", Code.Unimplemented));
    }
  }

  onReceiveHalfClose(): void {
    clearTimeout(this.requestTimer);
    if (wasReset(this.wire)) {
      return;
    }
    if (this.incoming !== undefined) {
      this.incoming.end();
    } else if (this.bytes === undefined) {
      this.runWithout(new ConnectError("the request has no message", Code.Unimplemented));
    } else {
      this.runUnary(this.bytes);
    }
  }

  /**
   * The caller or its connection has gone, or grpc-js has answered a message that it cannot read. Also comes, without
   * meaning, after every call that was answered.
   */
  onCancel(): void {
    if (this.finished) {
      return;
    }
    this.finished = true;
    clearTimeout(this.requestTimer);
    closeWithin(this.wire, unreadMs);
    const reason = this.life.leave();
    this.incoming?.fail(reason);
  }

  private startDeadline(): void {
    disarmDeadline(this.wire);
    const asked = Number(this.wire.getDeadline()) - Date.now();
    const { maxTimeoutMs } = this.method;
    const timeoutMs = asked < wrappedMs ? maxTimeoutMs : Math.max(0, Math.min(asked, maxTimeoutMs));
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
    const url = this.method.urlOn(this.wire.getHost());
    const values = this.method.contextOf(peerOfCall(this.wire));
    return new CallRequest(this, method, url, new LazyHeaders(this.metadata), values, message);
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
      clearTimeout(this.requestTimer);
      this.life.end();
      this.wire.sendStatus(status);
      closeWithin(this.wire, unreadMs);
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
  return new ConnectError("the request did not come in time", Code.DeadlineExceeded);
}

function ignore(): void {}
