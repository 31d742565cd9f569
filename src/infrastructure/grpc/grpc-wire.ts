import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import { compressedFlag } from "@connectrpc/connect/protocol";
import type { Metadata } from "@grpc/grpc-js";
import type { Peer } from "../../domain/caller/peer.ts";
import type { ByteLease, UnreadBytes } from "../sockets/unread-bytes.ts";
import { peerOfSession } from "../tls/peer.ts";
import { type GrpcStatus, trailersOf } from "./grpc-status.ts";
import { headersOf } from "./lazy-headers.ts";
import { protocolError } from "./listener-error.ts";
import { type FramedMessage, MessageReader } from "./message-reader.ts";
import { acceptedEncodings, type RequestHead } from "./request-head.ts";

/** Receives the events of a call on the wire. */
export interface WireListener {
  /** One message, in response to one `startRead`. */
  onMessage(bytes: Buffer): void;
  /** The request is complete. Called instead of `onMessage`. */
  onHalfClose(): void;
  /** The request cannot be read any further. */
  onFault(error: ConnectError): void;
  /** The caller cancelled or disconnected before the status was sent. */
  onCancel(): void;
}

export interface WireOptions {
  readonly maxMessageBytes: number;
  readonly unread: UnreadBytes;
}

const inflaters = { gzip: promisify(gunzip), deflate: promisify(inflate) };

/** How long a caller may leave its response unread. Milliseconds. */
const unreadMs = 15_000;
/**
 * How long the rest of a request is discarded after a response with messages. Node's HTTP/2 client drops unread data if
 * a reset directly follows the response. Milliseconds.
 */
const discardMs = 1_000;

const noPeer: Peer = { address: "", certificate: undefined };

/**
 * A gRPC call on an HTTP/2 stream (PROTOCOL-HTTP2): messages in, messages out, one status. Nothing is read before the
 * first `startRead`, and then one message at a time, with HTTP/2's flow control.
 *
 * It replaces the implementation of grpc-js 1.14.7, which treats a request that ends inside a message as complete,
 * accepts unknown flags and encodings, pads binary trailers and keeps a list entry for each byte that arrives alone.
 */
export class GrpcWire {
  readonly head: RequestHead;
  /** Counts the unread bytes that the call holds. All are released when the call ends. */
  readonly lease: ByteLease;
  readonly #stream: ServerHttp2Stream;
  readonly #options: WireOptions;
  readonly #reader: MessageReader;
  #listener: WireListener | undefined;
  #isReadWanted = false;
  #isInflating = false;
  #hasEnded = false;
  #hasFailed = false;
  #headerSent = false;
  #statusSent = false;

  constructor(stream: ServerHttp2Stream, head: RequestHead, options: WireOptions) {
    this.head = head;
    this.#stream = stream;
    this.#options = options;
    this.lease = options.unread.lazyLease(() => stream.session);
    const rules = { maxBytes: options.maxMessageBytes, knownFlags: compressedFlag, faultCode: Code.Internal };
    this.#reader = new MessageReader(rules, this.lease);
  }

  listen(listener: WireListener): void {
    this.#listener = listener;
    const stream = this.#stream;
    stream.pause();
    stream.on("data", (chunk: Buffer) => {
      if (this.#hasFailed || this.#statusSent) return;
      this.#reader.push(chunk);
      this.#deliver();
      if (!this.#isReadWanted || this.#isInflating) stream.pause();
    });
    stream.once("end", () => {
      // A reset first shows as the end of the request, and half an upload must not pass for a complete one.
      if (stream.closed) return;
      this.#hasEnded = true;
      this.#deliver();
    });
    stream.once("close", () => {
      this.lease.release();
      if (!this.#statusSent) listener.onCancel();
    });
  }

  get peer(): Peer {
    const { session } = this.#stream;
    return session === undefined || session.destroyed ? noPeer : peerOfSession(session);
  }

  /** Whether the stream has closed, so that no response can be sent. */
  get isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  /** Whether the status was sent. */
  get isAnswered(): boolean {
    return this.#statusSent;
  }

  /** Requests one message: `onMessage`, `onHalfClose` or `onFault` follows. */
  startRead(): void {
    this.#isReadWanted = true;
    this.#deliver();
  }

  sendMetadata(metadata: Metadata): void {
    if (!this.#headerSent && !this.#statusSent && !this.isGone) this.#respond(headersOf(metadata));
  }

  /** @param onSent called when the transport can take more */
  sendMessage(bytes: Buffer, onSent: () => void): void {
    if (this.#statusSent || this.isGone) return;
    if (!this.#headerSent) this.#respond({});
    const framed = Buffer.allocUnsafe(bytes.length + 5);
    framed.writeUInt8(0, 0);
    framed.writeUInt32BE(bytes.length, 1);
    bytes.copy(framed, 5);
    this.#stream.write(framed, (error) => {
      if (!error) onSent();
    });
  }

  /** Ends the call. If the caller is still sending, the stream is reset with NO_ERROR (RFC 9113 §8.1). */
  sendStatus(status: GrpcStatus): void {
    if (this.#statusSent || this.isGone) return;
    this.#statusSent = true;
    const stream = this.#stream;
    const trailers = trailersOf(status);
    if (this.#headerSent) {
      stream.once("wantTrailers", () => stream.sendTrailers(trailers));
      stream.end();
      if (!this.#hasEnded) this.#closeIn(discardMs, constants.NGHTTP2_NO_ERROR);
    } else {
      stream.respond({ ...responseHeaders, ...trailers }, { endStream: true });
      if (!this.#hasEnded) stream.close(constants.NGHTTP2_NO_ERROR);
    }
    // Node never closes a stream that is not read to its end.
    stream.resume();
    if (!this.isGone) this.#closeIn(unreadMs, constants.NGHTTP2_CANCEL);
  }

  #respond(custom: OutgoingHttpHeaders): void {
    this.#headerSent = true;
    this.#stream.respond({ ...responseHeaders, ...custom }, { waitForTrailers: true });
  }

  /** Closes the stream after `ms`; with NO_ERROR only if everything is written, because a reset drops the rest. */
  #closeIn(ms: number, code: number): void {
    const stream = this.#stream;
    const timer = setTimeout(() => {
      if (code !== constants.NGHTTP2_NO_ERROR || stream.writableFinished) stream.close(code);
    }, ms);
    stream.once("close", () => clearTimeout(timer));
  }

  #deliver(): void {
    if (!this.#isReadWanted || this.#isInflating || this.#hasFailed || this.#statusSent) return;
    let message: FramedMessage | undefined;
    try {
      message = this.#reader.next();
    } catch (error) {
      this.#fail(error as ConnectError);
      return;
    }
    if (message !== undefined) {
      this.#handOn(message);
    } else if (!this.#hasEnded) {
      this.#stream.resume();
    } else if (this.#reader.isInsideMessage) {
      this.#fail(protocolError(Code.Internal, "the request ends in the middle of a message"));
    } else {
      this.#isReadWanted = false;
      this.#listener?.onHalfClose();
    }
  }

  #handOn({ flags, bytes }: FramedMessage): void {
    if (flags === 0) {
      this.#isReadWanted = false;
      this.#listener?.onMessage(bytes);
      return;
    }
    const { encoding } = this.head;
    if (encoding === "identity") {
      this.#fail(protocolError(Code.Internal, "the message is compressed, but grpc-encoding is not set"));
      return;
    }
    this.#isInflating = true;
    inflaters[encoding](bytes, { maxOutputLength: this.#options.maxMessageBytes }).then(
      (inflated) => {
        this.#isInflating = false;
        if (this.#hasFailed || this.#statusSent || this.isGone) return;
        this.#isReadWanted = false;
        this.#listener?.onMessage(inflated);
      },
      (error: NodeJS.ErrnoException) => {
        this.#isInflating = false;
        this.#fail(
          error.code === "ERR_BUFFER_TOO_LARGE"
            ? new ConnectError(
                `the message decompresses to more than ${this.#options.maxMessageBytes} bytes`,
                Code.ResourceExhausted,
              )
            : protocolError(Code.Internal, `the message is not valid ${encoding}`),
        );
      },
    );
  }

  #fail(error: ConnectError): void {
    if (this.#hasFailed || this.#statusSent || this.isGone) return;
    this.#hasFailed = true;
    this.#listener?.onFault(error);
  }
}

const responseHeaders: OutgoingHttpHeaders = {
  ":status": 200,
  "content-type": "application/grpc+proto",
  "grpc-accept-encoding": acceptedEncodings,
};
