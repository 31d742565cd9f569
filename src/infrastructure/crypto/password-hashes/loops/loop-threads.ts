import { extname } from "node:path";
import { Worker } from "node:worker_threads";

/** A slow loop that runs as JavaScript, but for the password. */
export type LoopJob =
  | { readonly loop: "md5-crypt"; readonly magic: string; readonly salt: Uint8Array }
  | {
      readonly loop: "sha-crypt" | "phpass" | "iterated";
      readonly digest: "md5" | "sha256" | "sha512";
      readonly salt: Uint8Array;
      readonly rounds: number;
    };

export interface LoopTask {
  readonly job: LoopJob;
  readonly password: Uint8Array;
}

const script = new URL(`./loop-thread${extname(import.meta.url)}`, import.meta.url);

/** Threads that wait for a task. There are as many threads as tasks ran at once, and the hash pool bounds those. */
const idle = new Set<Worker>();

/**
 * What a loop makes of a password, on a thread of its own: a second of JavaScript on this one would stop every call. The
 * first task starts a thread, in 30 to 200 ms; it goes on to wait for more, and does not keep the process from ending.
 */
export function runLoop(job: LoopJob, password: Uint8Array): Promise<Uint8Array> {
  const [waiting] = idle;
  const thread = waiting ?? startThread();
  idle.delete(thread);
  // While it works somebody waits for it, though perhaps nothing else keeps the process.
  thread.ref();
  return new Promise((resolve, reject) => {
    const done = (digest: Uint8Array) => {
      thread.off("error", failed).off("exit", lost);
      thread.unref();
      idle.add(thread);
      resolve(digest);
    };
    const failed = (cause: unknown) => reject(new Error("A thread that hashes has failed.", { cause }));
    const lost = (code: number) => reject(new Error(`A thread that hashes has ended with code ${code}.`));
    thread.once("message", done).once("error", failed).once("exit", lost);
    thread.postMessage({ job, password } satisfies LoopTask);
  });
}

function startThread(): Worker {
  // It is to run the same however the process was started, and has no use for what is in the environment.
  const thread = new Worker(script, { execArgv: [], env: {} });
  // An error ends a thread: whoever waits for it is told, and nobody else need be.
  thread.on("error", () => {});
  thread.once("exit", () => idle.delete(thread));
  return thread;
}
