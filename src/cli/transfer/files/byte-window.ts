import type { Utf8Text } from "./utf8-chunks.ts";

/** Maximum length of a row or CSV record. */
export const maxRowBytes = 1 << 20;

const lineFeed = 0x0a;

/** The bytes of a text that are loaded and not yet consumed. Positions count from the first of them. */
export class ByteWindow {
  /** The name of the file, for messages. */
  readonly name: string;
  readonly encoding: Utf8Text["encoding"];
  readonly #chunks: AsyncIterator<Buffer>;
  #bytes: Buffer = Buffer.alloc(0);
  /** Free bytes after `bytes`, to append to. */
  #room: Buffer = Buffer.alloc(0);
  #line = 1;
  #offset: number;

  constructor(name: string, { encoding, markBytes, chunks }: Utf8Text) {
    this.name = name;
    this.encoding = encoding;
    this.#offset = markBytes;
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  /** The line of position 0, starting at 1. */
  get line(): number {
    return this.#line;
  }

  /** The number of bytes in the file before position 0. */
  get offset(): number {
    return this.#offset;
  }

  /** Loads more bytes. Returns whether there were any. */
  async load(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done) return false;
    if (this.#bytes.length > 0) this.#append(next.value);
    else [this.#bytes, this.#room] = [next.value, Buffer.alloc(0)];
    return true;
  }

  /** Space is doubled: a long row in small chunks is copied only a few times, not once per chunk. */
  #append(chunk: Buffer): void {
    const used = this.#bytes.length;
    if (this.#room.length < chunk.length) {
      const space = Buffer.allocUnsafe(2 * (used + chunk.length));
      this.#bytes.copy(space);
      [this.#bytes, this.#room] = [space.subarray(0, used), space.subarray(used)];
    }
    chunk.copy(this.#room);
    const { buffer, byteOffset } = this.#bytes;
    this.#bytes = Buffer.from(buffer, byteOffset, used + chunk.length);
    this.#room = this.#room.subarray(chunk.length);
  }

  consume(count: number): void {
    const consumed = this.#bytes.subarray(0, count);
    for (let at = consumed.indexOf(lineFeed); at !== -1; at = consumed.indexOf(lineFeed, at + 1)) {
      this.#line += 1;
    }
    this.#bytes = this.#bytes.subarray(consumed.length);
    this.#offset += consumed.length;
  }

  /**
   * The end of the line at a position: its line feed, or the end of the file. Undefined if a row from position 0 to
   * there is too long.
   */
  async lineEnd(from: number): Promise<number | undefined> {
    for (let searched = from; ; ) {
      const end = this.#bytes.indexOf(lineFeed, searched);
      if (end !== -1) return end > maxRowBytes ? undefined : end;
      searched = this.#bytes.length;
      if (searched > maxRowBytes) return undefined;
      if (!(await this.load())) return searched;
    }
  }

  /** Consumes the rest of the line at position 0. */
  async skipLine(): Promise<void> {
    for (;;) {
      const end = this.#bytes.indexOf(lineFeed);
      this.consume(end === -1 ? this.#bytes.length : end + 1);
      if (end !== -1 || !(await this.load())) return;
    }
  }
}
