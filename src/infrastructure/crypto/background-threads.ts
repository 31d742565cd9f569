import { readdir, readFile } from "node:fs/promises";
import { constants, setPriority } from "node:os";

/**
 * Lets the kernel run hashes behind everything else: libuv's threads, which hash, get a lower priority than the thread
 * that answers calls. As many hashes run as there are cores, and each is long: without this every other call would wait
 * for a core again and again. Where hashes have the cores for themselves they lose nothing.
 *
 * On Linux only: elsewhere a priority belongs to a whole process.
 */
export async function lowerHashingThreads(): Promise<void> {
  if (process.platform !== "linux") return;
  // Reading a folder through libuv is also what makes its threads, all of them at once.
  for (const thread of await readdir("/proc/self/task")) {
    const name = await readFile(`/proc/self/task/${thread}/comm`, "utf8");
    if (name.trim() === "libuv-worker") setPriority(Number(thread), constants.priority.PRIORITY_LOW);
  }
}
