import { hash } from "node:crypto";
import type { Fingerprint } from "../../domain/request/mutations.ts";

/** SHA-256, in hex, of a value's JSON with the keys of every object sorted. */
export const sha256Fingerprint: Fingerprint = (value) =>
  hash("sha256", JSON.stringify(value, sortKeys), "hex");

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
