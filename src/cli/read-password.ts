import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import type { ReadStream } from "node:tty";
import { StartError } from "../infrastructure/process/start-error.ts";

/** Longer than any accepted password. */
const maxBytes = 4_096;

/**
 * Reads a new password: on a terminal it is typed twice without echo, elsewhere it is the only line of standard input.
 * @throws StartError if it is missing or the two do not match; the reason of the signal
 */
export async function readPassword(stdin: ReadStream, signal: AbortSignal): Promise<string> {
  return stdin.isTTY ? typedTwice(stdin, signal) : lineOf(await readAll(stdin, signal));
}

/** The input is hidden, but can be edited. Ctrl-C ends the process. */
async function typedTwice(stdin: ReadStream, signal: AbortSignal): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  using terminal = createInterface({ input: stdin, output: nowhere, terminal: true, historySize: 0, signal });
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const lines = terminal[Symbol.asyncIterator]();
  const ask = async (question: string) => {
    process.stderr.write(question);
    const { value = "" } = await lines.next();
    process.stderr.write("\n");
    signal.throwIfAborted();
    return value;
  };
  const password = await ask("Password: ");
  if (password === "") throw new StartError("password is empty");
  if ((await ask("Again: ")) !== password) throw new StartError("passwords do not match");
  return password;
}

async function readAll(stdin: ReadStream, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const stop = () => stdin.destroy(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of stdin) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxBytes) throw new StartError("password on standard input is too long");
    }
  } finally {
    signal.removeEventListener("abort", stop);
  }
  return Buffer.concat(chunks);
}

/** The line break that `echo` appends is not part of the password. */
function lineOf(bytes: Buffer): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new StartError("password on standard input is not UTF-8");
  }
  const line = text.replace(/\r?\n$/, "");
  if (line === "") throw new StartError("no password on standard input");
  if (/[\r\n]/.test(line))
    throw new StartError("standard input has more than one line; expected one password");
  return line;
}
