import { type FileHandle, open } from "node:fs/promises";
import type { Call } from "../../domain/call.ts";
import type { BreachedPasswords } from "../../domain/credential/breached-passwords.ts";
import { sha1OfPassword } from "./sha1-of-password.ts";

const lineOfFile = /^([0-9A-F]{40}):(\d{1,10})$/i;
/** Longer than any two lines, with their ends. */
const lookBytes = 128;
/** When so little is left it is looked through line by line. */
const scanBytes = 512;
/** Looks at a file before it is used. One with fewer lines is looked at wholly. */
const samples = 250;

/**
 * Breached passwords in a file of lines "SHA-1:count" that are sorted by the digest, as HIBP's downloader makes it. A
 * look-up halves the file, by reads at an offset, until a few lines are left: 25 reads for 40 GB, and nothing is kept in
 * memory. The file is opened once; another one under its name is used from the next start on.
 */
export class FiledBreachedPasswords implements BreachedPasswords, AsyncDisposable {
  readonly #file: FileHandle;
  readonly #size: number;

  private constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.#size = size;
  }

  /**
   * Opens a file and looks at it in some 250 places.
   * @throws an Error that says what is wrong with it: the system's, or that it is no such file or is not sorted.
   */
  static async open(path: string): Promise<FiledBreachedPasswords> {
    const file = await open(path, "r");
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw new Error("not a regular file");
      if (stat.size === 0) throw new Error("the file is empty");
      const passwords = new FiledBreachedPasswords(file, stat.size);
      await passwords.#assertSorted();
      return passwords;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async has(call: Call, password: string): Promise<boolean> {
    const digest = sha1OfPassword(password);
    // The line of the digest, if there is one, begins at or after `low` and before `high`.
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
      // The last lines are all looked at: a download that was cut short ends in half of one.
      at = Math.max(line.end, Math.min(at + step, this.#size - lookBytes));
    }
  }

  /** The first line that begins at or after an offset, or undefined where none does. */
  async #lineFrom(offset: number): Promise<Line | undefined> {
    if (offset === 0) return this.#lineAt(0);
    const before = offset - 1;
    const text = await this.#read(before, lookBytes);
    const newline = text.indexOf("\n");
    if (newline >= 0) return lineIn(text.slice(newline + 1), before + newline + 1);
    if (before + text.length < this.#size) throw notALine(before);
    return undefined;
  }

  /** The line that begins at an offset, or undefined at the end. */
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
  /** Where the next one begins. */
  readonly end: number;
  readonly digest: string;
  readonly count: number;
}

/** The line that a text from the file begins with, which begins there at `start`. */
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
