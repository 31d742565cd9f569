import { type FileHandle, open } from "node:fs/promises";
import type { Call } from "../../domain/call.ts";
import type { BreachedPasswords } from "../../domain/credential/breached-passwords.ts";
import { sha1OfPassword } from "./sha1-of-password.ts";

const lineOfFile = /^([0-9A-F]{40}):(\d{1,10})$/i;
/** More than the length of any two lines with their line ends. */
const lookBytes = 128;
/** A remaining range of at most this size is searched line by line. */
const scanBytes = 512;
/** Number of places in a file that are checked before it is used. A file with fewer lines is checked completely. */
const samples = 250;

/**
 * Breached passwords in a file of lines "SHA-1:count", sorted by digest, as HIBP's downloader writes it. A look-up is
 * a binary search with reads at an offset: 25 reads for 40 GB, with nothing kept in memory. The file is opened once;
 * a replacement under the same name takes effect at the next start.
 */
export class BreachedPasswordFile implements BreachedPasswords, AsyncDisposable {
  readonly #file: FileHandle;
  readonly #size: number;

  private constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.#size = size;
  }

  /**
   * Opens a file and checks about 250 places in it.
   * @throws Error if the file cannot be read, is not a regular file, is empty or malformed, or is not sorted
   */
  static async open(path: string): Promise<BreachedPasswordFile> {
    const file = await open(path, "r");
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw new Error("not a regular file");
      if (stat.size === 0) throw new Error("the file is empty");
      const passwords = new BreachedPasswordFile(file, stat.size);
      await passwords.#assertSorted();
      return passwords;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async has(call: Call, password: string): Promise<boolean> {
    const digest = sha1OfPassword(password);
    // The digest's line, if there is one, begins at or after `low` and before `high`.
    let [low, high] = [0, this.#size];
    while (high - low > scanBytes) {
      call.signal.throwIfAborted();
      const middle = low + Math.floor((high - low) / 2);
      const line = await this.#lineFrom(middle);
      if (line === undefined || line.start >= high) high = middle;
      else if (line.digest === digest) return line.count > 0;
      else if (line.digest < digest) low = line.end;
      else high = middle;
    }
    for (let at = low; at < high; ) {
      const line = await this.#lineAt(at);
      if (line === undefined || line.digest > digest) return false;
      if (line.digest === digest) return line.count > 0;
      at = line.end;
    }
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #assertSorted(): Promise<void> {
    const step = Math.max(1, Math.floor(this.#size / samples));
    let before = "";
    for (let at = 0; at < this.#size; ) {
      const line = await this.#lineFrom(at);
      if (line === undefined) break;
      if (line.digest <= before) throw new Error("the file is not sorted by digest");
      before = line.digest;
      // Always checks the last lines: a truncated download ends in the middle of one.
      at = Math.max(line.end, Math.min(at + step, this.#size - lookBytes));
    }
  }

  /** The first line that begins at or after an offset; undefined if there is none. */
  async #lineFrom(offset: number): Promise<Line | undefined> {
    if (offset === 0) return this.#lineAt(0);
    const before = offset - 1;
    const text = await this.#read(before, lookBytes);
    const newline = text.indexOf("\n");
    if (newline >= 0) return lineIn(text.slice(newline + 1), before + newline + 1);
    if (before + text.length < this.#size) throw notALine(before);
    return undefined;
  }

  /** The line that begins at an offset; undefined at the end of the file. */
  async #lineAt(start: number): Promise<Line | undefined> {
    return lineIn(await this.#read(start, lookBytes), start);
  }

  async #read(offset: number, length: number): Promise<string> {
    const { buffer, bytesRead } = await this.#file.read(Buffer.allocUnsafe(length), 0, length, offset);
    return buffer.toString("latin1", 0, bytesRead);
  }
}

interface Line {
  readonly start: number;
  /** Offset of the next line. */
  readonly end: number;
  readonly digest: string;
  readonly count: number;
}

/** Parses the first line of a text that was read at offset `start`. */
function lineIn(text: string, start: number): Line | undefined {
  if (text === "") return undefined;
  const newline = text.indexOf("\n");
  const line = newline < 0 ? text : text.slice(0, newline);
  const [, digest, count] = lineOfFile.exec(line.endsWith("\r") ? line.slice(0, -1) : line) ?? [];
  if (digest === undefined) throw notALine(start);
  return { start, end: start + line.length + 1, digest: digest.toUpperCase(), count: Number(count) };
}

function notALine(offset: number): Error {
  return new Error(`malformed line at byte ${offset}; expected 40 hex digits, a colon and a count`);
}
