import { readdir, readFile } from "node:fs/promises";
import { constants, setPriority } from "node:os";

/**
 * Lets the kernel run hashes behind all other work: libuv's threads, which compute them, get a lower priority than
 * the thread that answers calls. As many hashes run as there are cores, and each takes a long time, so every other
 * call would otherwise wait for a core repeatedly. The cost for hashes is small
 * (docs/decisions/0012-hashes-behind-calls.md).
 *
 * On Linux only: elsewhere a priority applies to the whole process. If the system refuses, the threads keep their
 * priority.
 */
export async function lowerHashingThreads(): Promise<void> {
  if (process.platform !== "linux") return;
  // Reading a folder through libuv also starts its threads, all of them at once.
  for (const thread of await readdir("/proc/self/task")) {
    try {
      const name = await readFile(`/proc/self/task/${thread}/comm`, "utf8");
      if (name.trim() === "libuv-worker") setPriority(Number(thread), constants.priority.PRIORITY_LOW);
    } catch {
      // A V8 thread that has ended meanwhile, or a sandbox: the service runs without the lower priority.
    }
  }
}

/**
 * Lowers the priority of the calling thread: on Linux, `setPriority` without a process ID affects only that thread.
 */
export function lowerThisThread(): void {
  if (process.platform !== "linux") return;
  try {
    setPriority(constants.priority.PRIORITY_LOW);
  } catch {
    // A sandbox may refuse this; the thread then keeps its priority.
  }
}
