/**
 * Loaded into a service before everything else: hashes of passwords that begin with "planted" take 1.5 ms longer. What
 * measures times must see it, or it sees nothing.
 */
import { createRequire } from "node:module";
import { plantedMs, plantedPrefix } from "./planted.ts";

const argon2 = createRequire(import.meta.url)("@node-rs/argon2");
const { hashRaw } = argon2;
argon2.hashRaw = async (password: Buffer, ...rest: unknown[]) => {
  const hashed = await hashRaw(password, ...rest);
  if (password.subarray(0, plantedPrefix.length).equals(Buffer.from(plantedPrefix)))
    for (const until = performance.now() + plantedMs; performance.now() < until; );
  return hashed;
};
