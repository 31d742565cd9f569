import { readdirSync, readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { expect, test } from "vitest";
import { lowerHashingThreads } from "../../../src/infrastructure/crypto/background-threads.ts";

test.runIf(process.platform === "linux")("hashes run behind the thread that answers calls", async () => {
  const own = getPriority();
  await lowerHashingThreads();
  const workers = readdirSync("/proc/self/task").filter(
    (thread) => readFileSync(`/proc/self/task/${thread}/comm`, "utf8").trim() === "libuv-worker",
  );
  expect(workers.length).toBeGreaterThan(0);
  for (const thread of workers) expect(getPriority(Number(thread))).toBeGreaterThan(own);
  expect(getPriority()).toBe(own);
});
