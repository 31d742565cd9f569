/**
 * Loaded into a service before everything else (`node --import`): each hash that argon2 is asked for is a line of its
 * output. So hashes are counted where they are computed, and not by what the throttle says of itself.
 */
import { writeSync } from "node:fs";
import { createRequire } from "node:module";
import { hashLine } from "./hash-line.ts";

const argon2: Record<string, unknown> = createRequire(import.meta.url)("@node-rs/argon2");
for (const [name, compute] of Object.entries(argon2)) {
  if (typeof compute !== "function") continue;
  argon2[name] = (...args: unknown[]) => {
    writeSync(1, `${hashLine}\n`);
    return compute(...args);
  };
}
