import { extname } from "node:path";
import { Worker } from "node:worker_threads";

/** A slow loop that runs as JavaScript, without the password that it hashes. */
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

/** Threads that wait for a task. There are as many threads as tasks have run at once, which the hash pool limits. */
const idle = new Set<Worker>();

/**
 * Runs a loop on a thread of its own, because a second of JavaScript on this thread would stop every call. The first
 * task starts a thread, which takes 30 to 200 ms. The thread then waits for more tasks, and does not keep the process
 * from exiting.
 */
export function runLoop(job: LoopJob, password: Uint8Array): Promise<Uint8Array> {
  const [waiting] = idle;
  const thread = waiting ?? startThread();
  idle.delete(thread);
  // A caller waits for the result, so the process must not exit meanwhile.
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
  // The thread must not depend on how the process was started, and does not need its environment.
  const thread = new Worker(script, { execArgv: [], env: {} });
  // An error ends the thread. The waiting caller gets it from its own listener; this one prevents an uncaught
  // exception.
  thread.on("error", () => {});
  thread.once("exit", () => idle.delete(thread));
  return thread;
}
