import { parentPort } from "node:worker_threads";
import { lowerThisThread } from "../../background-threads.ts";
import { iterated, md5Crypt, phpass, shaCrypt } from "./crypt-loops.ts";
import type { LoopJob, LoopTask } from "./loop-threads.ts";

// A thread of `loop-threads.ts`. It runs one task at a time, at a lower priority than the thread that answers calls.
lowerThisThread();
parentPort?.on("message", ({ job, password }: LoopTask) => {
  parentPort?.postMessage(run(job, Buffer.from(password)));
});

function run(job: LoopJob, password: Buffer): Buffer {
  // Buffers arrive as Uint8Arrays.
  const salt = Buffer.from(job.salt);
  switch (job.loop) {
    case "md5-crypt":
      return md5Crypt(job.magic, password, salt);
    case "sha-crypt":
      return shaCrypt(job.digest, password, salt, job.rounds);
    case "phpass":
      return phpass(job.digest, password, salt, job.rounds);
    case "iterated":
      return iterated(job.digest, password, salt, job.rounds);
  }
}
