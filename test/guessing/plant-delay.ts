/**
 * Loaded into a service before everything else: hashes of some passwords take 1.5 ms longer, and of others none is computed,
 * as in a service that has no hash for names that nobody has. What measures times must see it, or it sees nothing.
 */
import { createRequire } from "node:module";
import { plantedMs, slowPrefix, unhashedPrefix } from "./planted.ts";

const argon2 = createRequire(import.meta.url)("@node-rs/argon2");
const { hashRaw } = argon2;
argon2.hashRaw = async (password: Buffer, options: { outputLen: number }) => {
  const text = password.toString();
  if (text.startsWith(unhashedPrefix)) return Buffer.alloc(options.outputLen);
  const hashed = await hashRaw(password, options);
  if (text.startsWith(slowPrefix))
    for (const until = performance.now() + plantedMs; performance.now() < until; );
  return hashed;
};
