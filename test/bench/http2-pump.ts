import { connect, type Socket } from "node:net";
import {
  acknowledged,
  endHeaders,
  endStream,
  frameType,
  http2Frame,
  preface,
  settingsFrame,
} from "../support/http2-frames.ts";

/** One gRPC method and its messages, as bytes. */
export interface PumpedCall {
  /** `/auth.v1.UserService/GetUser` */
  readonly path: string;
  /** Encoded request messages, of any lengths. Calls send them in turn. */
  readonly messages: readonly Buffer[];
  /** More headers, in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Told when a call has ended, and whether it was answered with a message. */
export type OnEnd = (answered: boolean) => void;

/** Bytes of the header of a frame, and of the most that a frame may hold by default (RFC 9113 §4.1, §6.5.2). */
export const frameHeaderBytes = 9;
const maxFrameBytes = 16_384;
/** Bytes that a server takes unread on a connection unless it says more (RFC 9113 §6.9.2). */
export const initialWindow = 65_535;
const maxInt31 = 0x7f_ff_ff_ff;

/**
 * Unary gRPC calls on one HTTP/2 connection (RFC 9113), from prepared bytes: a call costs a few microseconds here, so that
 * it is the server that is measured. It understands what a server says only as far as a benchmark needs: an answer with a
 * message is good, one without is an error.
 */
export class Http2Pump {
  readonly #socket: Socket;
  readonly #requests: readonly PreparedRequest[];
  /** What the server takes unread now, and the frames that wait for it to take more. */
  #window = initialWindow;
  readonly #waiting: Buffer[] = [];
  readonly #calls = new Map<number, { readonly onEnd: OnEnd; answered: boolean }>();
  #nextStream = 1;
  #nextRequest = 0;
  #received: Buffer = Buffer.alloc(0);
  #batch: Buffer[] = [];

  static async open(address: string, call: PumpedCall): Promise<Http2Pump> {
    const { hostname, port } = new URL(`http://${address}`);
    const socket = connect(Number(port), hostname).setNoDelay();
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new Http2Pump(socket, address, call);
  }

  private constructor(socket: Socket, authority: string, { path, messages, headers = {} }: PumpedCall) {
    if (messages.length === 0) throw new Error("no messages to send");
    this.#socket = socket;
    const block = http2Frame(frameType.headers, endHeaders, 0, callHeaders(path, authority, headers));
    this.#requests = messages.map((message) => prepared(block, message));
    // The widest windows, so that the server never waits for this client.
    const more = Buffer.from([0x7f, 0xff, 0, 0]);
    const opening = [preface, settingsFrame({ 4: maxInt31 }), http2Frame(frameType.windowUpdate, 0, 0, more)];
    socket.write(Buffer.concat(opening));
    socket.on("data", (data) => this.#onData(data));
    socket.on("error", () => {});
    socket.on("close", () => {
      for (const { onEnd } of this.#calls.values()) onEnd(false);
      this.#calls.clear();
    });
  }

  /** Starts a call. Calls of one turn of the event loop leave in one write, as far as the server takes them. */
  call(onEnd: OnEnd): void {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    this.#calls.set(stream, { onEnd, answered: false });
    const request = this.#requests[this.#nextRequest] as PreparedRequest;
    this.#nextRequest = (this.#nextRequest + 1) % this.#requests.length;
    const bytes = Buffer.from(request.bytes);
    for (const at of request.frames) bytes.writeUInt32BE(stream, at + 5);
    for (const [index, at] of request.frames.entries()) {
      this.#waiting.push(bytes.subarray(at, request.frames[index + 1]));
    }
    this.#send();
  }

  #send(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const counted = next[3] === frameType.data ? next.length - frameHeaderBytes : 0;
      if (counted > this.#window) return;
      this.#window -= counted;
      this.#waiting.shift();
      if (this.#batch.length === 0) setImmediate(() => this.#flush());
      this.#batch.push(next);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #flush(): void {
    const batch = this.#batch;
    this.#batch = [];
    this.#socket.write(batch.length === 1 && batch[0] ? batch[0] : Buffer.concat(batch));
  }

  #onData(data: Buffer): void {
    const bytes = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    let at = 0;
    while (at + frameHeaderBytes <= bytes.length) {
      const length = bytes.readUIntBE(at, 3);
      const end = at + frameHeaderBytes + length;
      if (end > bytes.length) break;
      this.#onFrame(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, bytes.readUInt32BE(at + 5), bytes, at, end);
      at = end;
    }
    this.#received = bytes.subarray(at);
  }

  #onFrame(type: number, flags: number, stream: number, bytes: Buffer, at: number, end: number): void {
    const call = this.#calls.get(stream);
    if (type === frameType.windowUpdate && stream === 0) {
      this.#window += bytes.readUInt32BE(at + frameHeaderBytes);
      this.#send();
    }
    if (type === frameType.data && call) call.answered ||= end - at > frameHeaderBytes + 5;
    if (type === frameType.settings && (flags & acknowledged) === 0)
      this.#socket.write(http2Frame(type, acknowledged, 0, Buffer.alloc(0)));
    if (type === frameType.ping && (flags & acknowledged) === 0) {
      this.#socket.write(http2Frame(type, acknowledged, 0, bytes.subarray(at + frameHeaderBytes, end)));
    }
    const ended = type === frameType.resetStream || (type === frameType.headers && (flags & endStream) !== 0);
    if (ended && call) {
      this.#calls.delete(stream);
      call.onEnd(call.answered && type === frameType.headers);
    }
  }
}

/** All frames of a call but for the stream's id. */
interface PreparedRequest {
  readonly bytes: Buffer;
  /** Where each frame begins. */
  readonly frames: readonly number[];
}

function prepared(headers: Buffer, message: Buffer): PreparedRequest {
  const envelope = Buffer.alloc(5);
  envelope.writeUInt32BE(message.length, 1);
  const body = Buffer.concat([envelope, message]);
  // The windows of streams are not counted: whatever is longer would have to wait for the server.
  if (body.length > initialWindow) throw new Error(`a message of more than ${initialWindow - 5} bytes`);
  const frames = [headers];
  for (let at = 0; at < body.length; at += maxFrameBytes) {
    const isLast = at + maxFrameBytes >= body.length;
    frames.push(http2Frame(frameType.data, isLast ? endStream : 0, 0, body.subarray(at, at + maxFrameBytes)));
  }
  let at = 0;
  const starts = frames.map(({ length }) => {
    at += length;
    return at - length;
  });
  return { bytes: Buffer.concat(frames), frames: starts };
}

/** The headers of a gRPC call in HPACK (RFC 7541) without indexing: the numbers are places in its static table. */
export function callHeaders(
  path: string,
  authority: string,
  headers: Readonly<Record<string, string>> = {},
): Buffer {
  return Buffer.concat([
    Buffer.from([0x83, 0x86, 0x04]), // :method POST, :scheme http, :path
    text(path),
    Buffer.from([0x01]), // :authority
    text(authority),
    Buffer.from([0x0f, 0x10]), // content-type
    text("application/grpc"),
    Buffer.from([0x00]),
    text("te"),
    text("trailers"),
    ...Object.entries(headers).flatMap(([name, value]) => [Buffer.from([0x00]), text(name), text(value)]),
  ]);
}

function text(value: string): Buffer {
  if (value.length > 126) throw new Error("longer than one byte can say");
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
}
