import type { IncomingHttpHeaders } from "node:http2";
import { Code, type ConnectError } from "@connectrpc/connect";
import { protocolError } from "./listener-error.ts";

/** The message compressions that this server can read (PROTOCOL-HTTP2, Message-Encoding). */
export type Encoding = "identity" | "gzip" | "deflate";

export const acceptedEncodings = "identity,deflate,gzip";

/** The parsed headers of a gRPC request (PROTOCOL-HTTP2). */
export interface RequestHead {
  readonly path: string;
  readonly authority: string;
  readonly headers: IncomingHttpHeaders;
  readonly encoding: Encoding;
  /** From `grpc-timeout`; undefined if the caller set no deadline. */
  readonly timeoutMs: number | undefined;
  /** Why the call cannot be served although it is a gRPC call. */
  readonly fault: ConnectError | undefined;
}

export function readRequestHead(headers: IncomingHttpHeaders): RequestHead {
  const { ":path": path = "", ":authority": authority = headers.host ?? "" } = headers;
  const asked = headers["grpc-encoding"] ?? "identity";
  const encoding = isEncoding(asked) ? asked : undefined;
  const timeout = readTimeout(headers["grpc-timeout"]);
  return {
    path,
    authority,
    headers,
    encoding: encoding ?? "identity",
    timeoutMs: timeout === "malformed" ? undefined : timeout,
    fault: faultOf(encoding, timeout),
  };
}

function faultOf(
  encoding: Encoding | undefined,
  timeout: number | "malformed" | undefined,
): ConnectError | undefined {
  if (timeout === "malformed") {
    return protocolError(
      Code.InvalidArgument,
      "grpc-timeout: malformed; expected 1 to 8 digits and a unit (H, M, S, m, u or n)",
    );
  }
  if (encoding === undefined) {
    return protocolError(Code.Unimplemented, `grpc-encoding: unsupported; expected ${acceptedEncodings}`);
  }
  return undefined;
}

function isEncoding(name: unknown): name is Encoding {
  return name === "identity" || name === "gzip" || name === "deflate";
}

const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** `grpc-timeout` in milliseconds (PROTOCOL-HTTP2, Timeout): up to 99,999,999 hours, which exceeds a 32-bit number. */
function readTimeout(header: string | string[] | undefined): number | "malformed" | undefined {
  if (header === undefined) return undefined;
  const [, digits, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(String(header)) ?? [];
  return digits === undefined ? "malformed" : Number(digits) * (unitMs[unit] ?? 0);
}

/** The response to a request that is not a gRPC request: HTTP status, code and message. */
export interface HttpRefusal {
  readonly status: number;
  readonly code: Code;
  readonly message: string;
}

/** The refusal of a request; undefined for a gRPC request. The codes are those of grpc-go. */
export function refusalOf({ ":method": method, "content-type": type }: IncomingHttpHeaders) {
  if (method !== "POST") return notPost;
  return isGrpc(type) ? undefined : notGrpc;
}

const notPost: HttpRefusal = { status: 405, code: Code.Internal, message: "the method must be POST" };
const notGrpc: HttpRefusal = {
  status: 415,
  code: Code.InvalidArgument,
  message: "content-type: unsupported; expected application/grpc or application/grpc+proto",
};

/** Media types are case-insensitive and may have parameters (RFC 9110 §8.3.1). */
function isGrpc(contentType: string | undefined): boolean {
  return /^application\/grpc(\+proto)?[ \t]*(;|$)/i.test(contentType ?? "");
}
