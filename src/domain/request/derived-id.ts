import type { Fingerprint } from "./mutations.ts";

/** A UUID that is derived from a value alone (RFC 9562, version 8). */
export function derivedId(fingerprint: Fingerprint, value: unknown): string {
  const hex = fingerprint(value);
  const variant = "89ab"[Number.parseInt(hex.slice(16, 17), 16) & 3];
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
