import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

// What Linux tells of a process, read from /proc.

interface Started {
  readonly child: { readonly pid?: number | undefined };
}

/**
 * The environment of a process whose memory is compared: with a heap as bounded as in a small container. Without a bound V8
 * lets garbage lie for as long as the machine has room, and what is compared is its laziness.
 */
export const boundedHeap = { NODE_OPTIONS: "--max-semi-space-size=8 --max-old-space-size=192" };

/** Resident memory in MB (2^20 bytes). */
export async function memoryOf({ child }: Started): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, "utf8");
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024);
}

/** Open file descriptors. */
export async function descriptorsOf({ child }: Started): Promise<number> {
  return (await readdir(`/proc/${child.pid}/fd`)).length;
}

/** Milliseconds of processor that all of its threads have had so far. */
export async function cpuMsOf({ child }: Started): Promise<number> {
  const stat = await readFile(`/proc/${child.pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // utime and stime, in hundredths of a second.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** The figure once it is at most `bar`, or its least within `timeoutMs`: memory is given back when there is time for it. */
export async function settled(
  figure: () => Promise<number>,
  bar: number,
  timeoutMs: number,
): Promise<number> {
  const endsAt = performance.now() + timeoutMs;
  let least = await figure();
  while (least > bar && performance.now() < endsAt) {
    await sleep(250);
    least = Math.min(least, await figure());
  }
  return least;
}
