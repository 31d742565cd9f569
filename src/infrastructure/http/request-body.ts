import type { IncomingMessage } from "node:http";

/** How much of a body is read and discarded before its call is answered, and for how long. */
export interface DiscardLimits {
  readonly bytes: number;
  readonly ms: number;
}

export const defaultDiscardLimits: DiscardLimits = { bytes: 256 * 1024, ms: 500 };

/** The minimum cost of a chunk in bytes, however small the chunk is. */
const chunkCost = 256;

/**
 * The body of one request. It is read chunk by chunk and only on demand, so that a slow reader makes the caller wait.
 * `discard` ends the reading, also for a pending `read`.
 */
export class RequestBody {
  readonly #request: IncomingMessage;
  #chunks: Buffer[] = [];
  #state: "idle" | "reading" | "discarding" = "idle";
  #failure: Error | undefined;
  #wake: () => void = ignore;
  #dropped = 0;

  constructor(request: IncomingMessage) {
    this.#request = request;
  }

  /** The length in the headers; undefined if the body is chunked. */
  get claimedBytes(): number | undefined {
    const length = this.#request.headers["content-length"];
    return length === undefined ? undefined : Number(length);
  }

  /**
   * The next chunk, or undefined at the end.
   * @throws Error if the connection closes, or `discard` is called, before the end
   */
  async read(): Promise<Buffer | undefined> {
    if (this.#state === "idle") this.#begin("reading");
    while (true) {
      if (this.#state === "discarding") throw new Error("the rest of the request is discarded");
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) return chunk;
      if (this.#request.readableEnded) return undefined;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#request.destroyed) throw new Error("the connection was closed before the end of the request");
      await this.#progress();
    }
  }

  /**
   * Reads the rest and drops it. Call this before the call is answered; safe to call twice.
   * @returns whether the end was reached within the limits; if not, the connection cannot be used for another request
   */
  async discard(limits: DiscardLimits): Promise<boolean> {
    const request = this.#request;
    if (this.#state !== "discarding") this.#begin("discarding");
    this.#chunks = [];
    this.#wake();
    if (request.complete) {
      request.resume();
      return true;
    }
    if ((this.claimedBytes ?? 0) > limits.bytes) return false;
    await this.drop(limits);
    return request.readableEnded;
  }

  /** Drops data until the end or the limits; the rest stays unread. Call `discard` first. */
  async drop({ bytes, ms }: DiscardLimits): Promise<void> {
    const request = this.#request;
    const most = this.#dropped + bytes;
    const endsAt = performance.now() + ms;
    while (!request.readableEnded && !request.destroyed && this.#dropped <= most) {
      const leftMs = endsAt - performance.now();
      if (leftMs <= 0) break;
      const timer = setTimeout(() => this.#wake(), leftMs);
      await this.#progress();
      clearTimeout(timer);
    }
    request.pause();
  }

  #begin(state: "reading" | "discarding"): void {
    if (this.#state === "idle") {
      const request = this.#request;
      request.pause();
      request.on("data", (chunk: Buffer) => this.#take(chunk));
      request.once("end", () => this.#wake());
      request.once("close", () => this.#wake());
      request.on("error", (error) => {
        this.#failure ??= error;
        this.#wake();
      });
    }
    this.#state = state;
  }

  #take(chunk: Buffer): void {
    if (this.#state === "discarding") {
      this.#dropped += Math.max(chunk.length, chunkCost);
    } else {
      this.#chunks.push(chunk);
      this.#request.pause();
    }
    this.#wake();
  }

  #progress(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#request.resume();
    });
  }
}

function ignore(): void {}
