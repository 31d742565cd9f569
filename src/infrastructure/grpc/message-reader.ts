import { Code, ConnectError } from "@connectrpc/connect";
import type { ByteLease } from "../sockets/unread-bytes.ts";
import { overloaded, protocolError } from "./listener-error.ts";

/** One framed message (PROTOCOL-HTTP2, Length-Prefixed-Message). gRPC-Web and Connect streams use the same frame. */
export interface FramedMessage {
  readonly flags: number;
  readonly bytes: Buffer;
}

export interface FrameRules {
  /** Maximum length of a message in bytes, before decompression. */
  readonly maxBytes: number;
  /** The flag bits that may be set. */
  readonly knownFlags: number;
  /** The error code for other flags. */
  readonly faultCode: Code;
}

const prefixBytes = 5;
const firstCapacity = 1024;

/**
 * Extracts messages from a byte stream, one at a time. A message that arrives in pieces is copied into one buffer that
 * grows with the received bytes, so that neither a claimed length nor one-byte frames cost more than about twice the
 * payload.
 */
export class MessageReader {
  readonly #rules: FrameRules;
  readonly #lease: ByteLease;
  #rest: Buffer = empty;
  readonly #prefix = Buffer.alloc(prefixBytes);
  #prefixFilled = 0;
  #body: Buffer = empty;
  #bodyFilled = 0;

  /** @param lease counts the bytes that are held for a message until it is returned */
  constructor(rules: FrameRules, lease: ByteLease) {
    this.#rules = rules;
    this.#lease = lease;
  }

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
  }

  /** Whether the bytes so far end inside a message. */
  get isInsideMessage(): boolean {
    return this.#prefixFilled > 0 || this.#rest.length > 0;
  }

  /**
   * The next complete message, or undefined.
   * @throws ConnectError if the bytes are not messages, or a message is too large
   */
  next(): FramedMessage | undefined {
    if (!this.#readPrefix()) return undefined;
    const length = this.#prefix.readUInt32BE(1);
    const missing = length - this.#bodyFilled;
    if (this.#rest.length < missing) {
      this.#keep(this.#rest, length);
      this.#rest = empty;
      return undefined;
    }
    const last = this.#rest.subarray(0, missing);
    this.#rest = this.#rest.subarray(missing);
    let bytes = last;
    if (this.#bodyFilled > 0) {
      this.#keep(last, length);
      bytes = this.#body.subarray(0, length);
    }
    const flags = this.#prefix.readUInt8(0);
    this.#prefixFilled = 0;
    if (this.#body.length > 0) this.#lease.release(this.#body.length);
    this.#body = empty;
    this.#bodyFilled = 0;
    return { flags, bytes };
  }

  #readPrefix(): boolean {
    if (this.#prefixFilled === prefixBytes) return true;
    const taken = this.#rest.copy(this.#prefix, this.#prefixFilled, 0, prefixBytes - this.#prefixFilled);
    this.#prefixFilled += taken;
    this.#rest = this.#rest.subarray(taken);
    const { maxBytes, knownFlags, faultCode } = this.#rules;
    const flags = this.#prefixFilled > 0 ? this.#prefix.readUInt8(0) : 0;
    if ((flags & ~knownFlags) !== 0) throw protocolError(faultCode, `unsupported message flags ${flags}`);
    if (this.#prefixFilled < prefixBytes) return false;
    const length = this.#prefix.readUInt32BE(1);
    if (length > maxBytes) throw tooLarge(length, maxBytes);
    return true;
  }

  #keep(piece: Buffer, length: number): void {
    const needed = this.#bodyFilled + piece.length;
    if (needed > this.#body.length) {
      const capacity = Math.min(length, Math.max(firstCapacity, 2 * this.#body.length, needed));
      if (!this.#lease.take(capacity - this.#body.length)) throw overloaded();
      const larger = Buffer.allocUnsafeSlow(capacity);
      this.#body.copy(larger, 0, 0, this.#bodyFilled);
      this.#body = larger;
    }
    piece.copy(this.#body, this.#bodyFilled);
    this.#bodyFilled = needed;
  }
}

export function tooLarge(bytes: number, maxBytes: number): ConnectError {
  const message = `the message has ${bytes} bytes; the maximum is ${maxBytes}`;
  return new ConnectError(message, Code.ResourceExhausted);
}

const empty = Buffer.alloc(0);
