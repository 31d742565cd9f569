import { overloaded } from "../grpc/listener-error.ts";
import type { ByteLease } from "../sockets/unread-bytes.ts";

/**
 * The body of a request with a single message: chunks in one buffer that grows with the received bytes, counted by a
 * lease.
 */
export class KeptBytes {
  readonly #lease: ByteLease;
  #buffer: Buffer = empty;
  #length = 0;

  constructor(lease: ByteLease) {
    this.#lease = lease;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** @throws ConnectError RESOURCE_EXHAUSTED if the lease reaches its limit */
  push(chunk: Buffer): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#buffer.length) {
      const capacity = Math.max(needed, 2 * this.#length);
      if (!this.#lease.take(capacity - this.#buffer.length)) throw overloaded();
      // The first chunk is often the whole body, so it is kept without a copy.
      const larger = this.#length === 0 ? chunk : Buffer.allocUnsafeSlow(capacity);
      if (this.#length > 0) this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    if (this.#length > 0) chunk.copy(this.#buffer, this.#length);
    this.#length = needed;
  }
}

const empty = Buffer.alloc(0);
