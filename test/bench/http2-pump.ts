import { connect, type Socket } from "node:net";

/** One gRPC method and its messages, as bytes. */
export interface PumpedCall {
  /** `/auth.v1.UserService/GetUser` */
  readonly path: string;
  /** Encoded request messages, all of one length; only one where it fills more than a frame. Calls take them in turn. */
  readonly messages: readonly Buffer[];
}

/** Told when a call has ended, and whether it was answered with a message. */
export type OnEnd = (answered: boolean) => void;

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const frameHeaderBytes = 9;
/** The most that a frame may hold, and a connection be sent unread, unless the server says more (RFC 9113 §6.5.2, §6.9.2). */
const maxFrameBytes = 16_384;
const initialWindow = 65_535;
const frameType = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
} as const;
const endStream = 0x1;
const endHeaders = 0x4;
const ack = 0x1;

/**
 * Unary gRPC calls on one HTTP/2 connection (RFC 9113), from prepared bytes: a call costs a few microseconds here, so that
 * it is the server that is measured. It understands what a server says only as far as a benchmark needs: an answer with a
 * message is good, one without is an error.
 */
export class Http2Pump {
  readonly #socket: Socket;
  readonly #template: Buffer;
  readonly #messages: readonly Buffer[];
  readonly #bodyAt: number;
  /** Where in the template each frame begins. */
  readonly #frames: readonly number[];
  /** What the server takes unread now, and the frames that wait for it to take more. */
  #window = initialWindow;
  readonly #waiting: Buffer[] = [];
  readonly #calls = new Map<number, { readonly onEnd: OnEnd; answered: boolean }>();
  #nextStream = 1;
  #nextMessage = 0;
  #received: Buffer = Buffer.alloc(0);
  #batch: Buffer[] = [];

  static async open(address: string, call: PumpedCall): Promise<Http2Pump> {
    const { hostname, port } = new URL(`http://${address}`);
    const socket = connect(Number(port), hostname).setNoDelay();
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new Http2Pump(socket, address, call);
  }

  private constructor(socket: Socket, authority: string, { path, messages }: PumpedCall) {
    const [first] = messages;
    if (first === undefined) throw new Error("there is nothing to send");
    this.#socket = socket;
    this.#messages = messages;
    const envelope = Buffer.alloc(5);
    envelope.writeUInt32BE(first.length, 1);
    const body = Buffer.concat([envelope, first]);
    if (body.length > maxFrameBytes && messages.length > 1)
      throw new Error("more than one message of many frames");
    const frames = [frame(frameType.headers, endHeaders, headerBlock(path, authority))];
    for (let at = 0; at < body.length; at += maxFrameBytes) {
      const isLast = at + maxFrameBytes >= body.length;
      frames.push(frame(frameType.data, isLast ? endStream : 0, body.subarray(at, at + maxFrameBytes)));
    }
    this.#template = Buffer.concat(frames);
    this.#frames = frames.map((_, index) =>
      frames.slice(0, index).reduce((sum, { length }) => sum + length, 0),
    );
    this.#bodyAt = this.#template.length - first.length;
    // The widest windows, so that the server never waits for this client.
    const widest = Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]);
    const more = Buffer.from([0x7f, 0xff, 0, 0]);
    socket.write(
      Buffer.concat([preface, frame(frameType.settings, 0, widest), frame(frameType.windowUpdate, 0, more)]),
    );
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
    const bytes = Buffer.from(this.#template);
    for (const at of this.#frames) bytes.writeUInt32BE(stream, at + 5);
    if (this.#messages.length > 1) this.#messages[this.#nextMessage]?.copy(bytes, this.#bodyAt);
    this.#nextMessage = (this.#nextMessage + 1) % this.#messages.length;
    for (const [index, at] of this.#frames.entries()) {
      this.#waiting.push(bytes.subarray(at, this.#frames[index + 1]));
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
    if (type === frameType.settings && (flags & ack) === 0)
      this.#socket.write(frame(type, ack, Buffer.alloc(0)));
    if (type === frameType.ping && (flags & ack) === 0) {
      this.#socket.write(frame(type, ack, bytes.subarray(at + frameHeaderBytes, end)));
    }
    const ended = type === frameType.reset || (type === frameType.headers && (flags & endStream) !== 0);
    if (ended && call) {
      this.#calls.delete(stream);
      call.onEnd(call.answered && type === frameType.headers);
    }
  }
}

/** A frame of the connection; a stream's id is put into its place later. */
function frame(type: number, flags: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(frameHeaderBytes);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  return Buffer.concat([header, payload]);
}

/** The headers of a gRPC call in HPACK (RFC 7541) without indexing: the numbers are places in its static table. */
function headerBlock(path: string, authority: string): Buffer {
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
  ]);
}

function text(value: string): Buffer {
  if (value.length > 126) throw new Error("longer than one byte can say");
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
}
