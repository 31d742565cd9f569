import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectError } from "@connectrpc/connect";
import { type Compression, compressionNegotiate } from "@connectrpc/connect/protocol";
import {
  contentTypeStreamRegExp,
  contentTypeUnaryRegExp,
  parseTimeout as parseConnectTimeout,
  parseContentType as parseConnectType,
} from "@connectrpc/connect/protocol-connect";
import {
  parseTimeout as parseGrpcTimeout,
  parseContentType as parseGrpcWebType,
} from "@connectrpc/connect/protocol-grpc-web";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { protocolError } from "../grpc/listener-error.ts";

/** Compressions that requests and responses may use. */
export const compressions: readonly Compression[] = [compressionGzip, compressionBrotli];

/** How a request carries its messages: one as the body, one in the query, or each in an envelope. */
export type Framing = "body" | "query" | "connect-envelopes" | "grpc-web-envelopes";

/** The encoding of a request's messages, from its headers and its URL. */
export interface RequestHead {
  readonly framing: Framing;
  readonly isBinary: boolean;
  readonly compression: Compression | null;
  /** Why the call cannot be served although its protocol is supported. */
  readonly fault: ConnectError | undefined;
}

interface Request {
  readonly method: string;
  readonly url: string;
  readonly header: Headers;
}

interface Names {
  readonly encoding: string;
  readonly acceptEncoding: string;
  readonly timeout: string;
  readonly parseTimeout: typeof parseConnectTimeout;
}

const connect = { timeout: "connect-timeout-ms", parseTimeout: parseConnectTimeout };
const namesOf: Readonly<Record<Framing, Names>> = {
  body: { ...connect, encoding: "content-encoding", acceptEncoding: "accept-encoding" },
  query: { ...connect, encoding: "compression", acceptEncoding: "accept-encoding" },
  "connect-envelopes": {
    ...connect,
    encoding: "connect-content-encoding",
    acceptEncoding: "connect-accept-encoding",
  },
  "grpc-web-envelopes": {
    timeout: "grpc-timeout",
    parseTimeout: parseGrpcTimeout,
    encoding: "grpc-encoding",
    acceptEncoding: "grpc-accept-encoding",
  },
};

/**
 * Reads the head of a request with Connect's own functions. The result is written back in a form that Connect parses
 * the same way: a header that both parse cannot mean two things.
 *
 * @param maxTimeoutMs set as the deadline if the caller asks for none or a later one: Connect would refuse the later
 *   one and leave the missing one unlimited
 * @returns undefined if no protocol serves the request; Connect answers it by its HTTP method or content type
 */
export function readRequestHead(
  request: Request,
  method: DescMethod,
  maxTimeoutMs: number,
): RequestHead | undefined {
  const type = readType(request, method);
  if (type === undefined) return undefined;
  const { header } = request;
  const names = namesOf[type.framing];
  const asked = type.framing === "query" ? queryOf(request).get("compression") : header.get(names.encoding);
  const compression = compressionNegotiate([...compressions], asked, null, names.acceptEncoding);
  const timeout = names.parseTimeout(header.get(names.timeout), Number.POSITIVE_INFINITY);
  const timeoutMs = Math.min(timeout.timeoutMs ?? Number.POSITIVE_INFINITY, maxTimeoutMs);
  if (timeout.timeoutMs !== timeoutMs) header.set(names.timeout, formatTimeout(type.framing, timeoutMs));
  if (compression.error !== undefined) header.delete(names.encoding);
  return {
    ...type,
    compression: compression.request,
    fault: faultOf(timeout.error, compression.error, names),
  };
}

function queryOf({ url }: Pick<Request, "url">): URLSearchParams {
  return new URL(url).searchParams;
}

function readType(
  request: Request,
  { methodKind, idempotency }: DescMethod,
): Pick<RequestHead, "framing" | "isBinary"> | undefined {
  const { method, header } = request;
  if (methodKind === "bidi_streaming") return undefined;
  if (method === "GET") {
    const isSafe = idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
    const encoding = queryOf(request).get("encoding");
    if (!isSafe || methodKind !== "unary" || (encoding !== "proto" && encoding !== "json")) return undefined;
    return { framing: "query", isBinary: encoding === "proto" };
  }
  const contentType = header.get("content-type");
  if (method !== "POST" || contentType === null) return undefined;
  const grpcWeb = parseGrpcWebType(contentType);
  if (grpcWeb !== undefined) {
    return grpcWeb.text ? undefined : { framing: "grpc-web-envelopes", isBinary: grpcWeb.binary };
  }
  const isUnary = methodKind === "unary";
  const type = parseConnectType(contentType);
  const served = isUnary ? contentTypeUnaryRegExp : contentTypeStreamRegExp;
  if (type === undefined || !served.test(contentType)) return undefined;
  return { framing: isUnary ? "body" : "connect-envelopes", isBinary: type.binary };
}

function faultOf(
  timeout: ConnectError | undefined,
  compression: ConnectError | undefined,
  names: Names,
): ConnectError | undefined {
  if (timeout !== undefined) {
    return protocolError(Code.InvalidArgument, `${names.timeout}: malformed`);
  }
  if (compression === undefined) return undefined;
  const accepted = compressions.map(({ name }) => name).join(", ");
  return protocolError(Code.Unimplemented, `${names.encoding}: unsupported; expected identity, ${accepted}`);
}

/** gRPC-Web allows eight digits and a unit, Connect ten digits. */
function formatTimeout(framing: Framing, ms: number): string {
  if (framing !== "grpc-web-envelopes") return String(Math.ceil(ms));
  return ms < 1e8 ? `${Math.ceil(ms)}m` : `${Math.ceil(ms / 1_000)}S`;
}
