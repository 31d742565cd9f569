import type { IncomingMessage } from "node:http";

/**
 * Gives a request the longest timeout there is, where it asks for none or for a longer one. Connect reads it from the
 * header, so that the handler's signal and `timeoutMs()` follow by themselves; its own limit would refuse the longer
 * one and leave the missing one unlimited. What cannot be read is left for Connect to refuse.
 */
export function limitTimeout(request: IncomingMessage, maxTimeoutMs: number): void {
  const { headers } = request;
  if (headers["content-type"]?.startsWith("application/grpc-web") === true) {
    headers["grpc-timeout"] = limitGrpc(headers["grpc-timeout"], maxTimeoutMs);
  } else {
    headers["connect-timeout-ms"] = limitConnect(headers["connect-timeout-ms"], maxTimeoutMs);
  }
}

type HeaderValue = string | string[] | undefined;

/** Ten digits of milliseconds. */
function limitConnect(value: HeaderValue, maxTimeoutMs: number): string {
  const asked = value === undefined ? Number.POSITIVE_INFINITY : Number(value);
  return asked > maxTimeoutMs ? String(maxTimeoutMs) : String(value);
}

const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** Eight digits and a unit. */
function limitGrpc(value: HeaderValue, maxTimeoutMs: number): string {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(String(value)) ?? [];
  const asked = value === undefined ? Number.POSITIVE_INFINITY : Number(digits) * (unitMs[unit ?? ""] ?? 0);
  return asked > maxTimeoutMs ? `${maxTimeoutMs}m` : String(value);
}
