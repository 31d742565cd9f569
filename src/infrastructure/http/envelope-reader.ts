import { Code, ConnectError } from "@connectrpc/connect";
import { overloaded, protocolError } from "../grpc/listener-error.ts";
import type { ByteLease } from "../unread-bytes.ts";

/** One message with its flags, as gRPC-Web and the streams of Connect frame it. */
export interface Envelope {
  readonly flags: number;
  readonly bytes: Buffer;
}

const prefixBytes = 5;

/**
 * Takes envelopes out of the chunks of a body. A message that comes in pieces is kept in one buffer that grows with what
 * has come, so that neither a claimed length nor chunks of one byte cost more than about twice their payload.
 */
export class EnvelopeReader {
  readonly #maxBytes: number;
  readonly #knownFlags: number;
  readonly #kept: KeptBytes;

  /**
   * @param maxBytes the longest message, before inflation
   * @param knownFlags the bits that flags may have
   */
  constructor(maxBytes: number, knownFlags: number, lease: ByteLease) {
    this.#maxBytes = maxBytes;
    this.#knownFlags = knownFlags;
    this.#kept = new KeptBytes(lease);
  }

  push(chunk: Buffer): void {
    this.#kept.push(chunk);
  }

  /** Whether the bytes so far end inside an envelope. */
  get isInside(): boolean {
    return this.#kept.length > 0;
  }

  /** The next whole envelope, or undefined. @throws ConnectError */
  next(): Envelope | undefined {
    const bytes = this.#kept.peek();
    const flags = bytes[0];
    if (flags === undefined) return undefined;
    if ((flags & ~this.#knownFlags) !== 0) {
      throw protocolError(Code.InvalidArgument, `unsupported message flags ${flags}`);
    }
    if (bytes.length < prefixBytes) return undefined;
    const length = bytes.readUInt32BE(1);
    if (length > this.#maxBytes) throw tooLarge(length, this.#maxBytes);
    if (bytes.length < prefixBytes + length) return undefined;
    return { flags, bytes: this.#kept.shift(prefixBytes + length).subarray(prefixBytes) };
  }
}

/** Bytes that have come and not been handed on, counted by a lease. */
export class KeptBytes {
  readonly #lease: ByteLease;
  #buffer: Buffer = empty;
  #start = 0;
  #end = 0;
  #leased = 0;

  constructor(lease: ByteLease) {
    this.#lease = lease;
  }

  get length(): number {
    return this.#end - this.#start;
  }

  /** @throws ConnectError if the process holds too much already */
  push(chunk: Buffer): void {
    if (this.length === 0) {
      this.#setLeased(chunk.length);
      this.#buffer = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      return;
    }
    const needed = this.length + chunk.length;
    if (this.#end + chunk.length > this.#buffer.length) {
      const capacity = Math.max(needed, 2 * this.length);
      this.#setLeased(capacity);
      const larger = Buffer.allocUnsafeSlow(capacity);
      this.#end = this.#buffer.copy(larger, 0, this.#start, this.#end);
      this.#start = 0;
      this.#buffer = larger;
    }
    this.#end += chunk.copy(this.#buffer, this.#end);
  }

  peek(): Buffer {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Takes so many bytes away. They are never written over. */
  shift(count: number): Buffer {
    const taken = this.#buffer.subarray(this.#start, this.#start + count);
    this.#start += count;
    if (this.length === 0) this.clear();
    return taken;
  }

  clear(): void {
    this.#buffer = empty;
    this.#start = 0;
    this.#end = 0;
    this.#setLeased(0);
  }

  #setLeased(bytes: number): void {
    if (bytes < this.#leased) this.#lease.release(this.#leased - bytes);
    else if (!this.#lease.take(bytes - this.#leased)) throw overloaded();
    this.#leased = bytes;
  }
}

export function tooLarge(bytes: number, maxBytes: number): ConnectError {
  const message = `the message has ${bytes} bytes; at most ${maxBytes} are accepted`;
  return new ConnectError(message, Code.ResourceExhausted);
}

const empty = Buffer.alloc(0);
