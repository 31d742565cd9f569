import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import type { ReadStream } from "node:tty";
import { StartError } from "../infrastructure/start-error.ts";

/** More than any password may have. */
const maxBytes = 4_096;

/**
 * A new password: on a terminal typed twice, unseen; else the one line that standard input holds.
 * @throws StartError where there is none, or the two are not the same; the reason of the signal
 */
export async function readPassword(stdin: ReadStream, signal: AbortSignal): Promise<string> {
  return stdin.isTTY ? typedTwice(stdin, signal) : lineOf(await readAll(stdin, signal));
}

/** What is typed is shown nowhere; it can be edited, and Ctrl-C ends the process as ever. */
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
  if (password === "") throw new StartError("The password is empty.");
  if ((await ask("Again: ")) !== password) throw new StartError("The passwords do not match.");
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
      if (size > maxBytes) throw new StartError("The password on standard input is too long.");
    }
  } finally {
    signal.removeEventListener("abort", stop);
  }
  return Buffer.concat(chunks);
}

/** What `echo` has put at the end is no part of it. */
function lineOf(bytes: Buffer): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new StartError("The password on standard input is not UTF-8.");
  }
  const line = text.replace(/\r?\n$/, "");
  if (line === "") throw new StartError("No password was given on standard input.");
  if (/[\r\n]/.test(line))
    throw new StartError("Standard input has more than one line: expected one password.");
  return line;
}
