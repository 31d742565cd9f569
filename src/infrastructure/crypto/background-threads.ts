import { readdir, readFile } from "node:fs/promises";
import { constants, setPriority } from "node:os";

/**
 * Lets the kernel run hashes behind everything else: libuv's threads, which hash, get a lower priority than the thread
 * that answers calls. As many hashes run as there are cores, and each is long: without this every other call would wait
 * for a core again and again. It costs hashes a little (docs/decisions/0012-hashes-behind-calls.md).
 *
 * On Linux only: elsewhere a priority belongs to a whole process. A system that refuses it is served without.
 */
export async function lowerHashingThreads(): Promise<void> {
  if (process.platform !== "linux") return;
  // Reading a folder through libuv is also what makes its threads, all of them at once.
  for (const thread of await readdir("/proc/self/task")) {
    try {
      const name = await readFile(`/proc/self/task/${thread}/comm`, "utf8");
      if (name.trim() === "libuv-worker") setPriority(Number(thread), constants.priority.PRIORITY_LOW);
    } catch {
      // A thread of V8's that has ended since, or a sandbox: neither is a reason not to serve.
    }
  }
}

/** The same for the thread that calls it, which on Linux is what a process means by itself. */
export function lowerThisThread(): void {
  if (process.platform !== "linux") return;
  try {
    setPriority(constants.priority.PRIORITY_LOW);
  } catch {
    // As above.
  }
}
