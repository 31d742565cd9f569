import type { OutgoingHttpHeaders } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { Metadata } from "@grpc/grpc-js";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { addHeaders, headersOf, metadataOf } from "./lazy-headers.ts";

/** The status of a call: code, `grpc-message` and trailers. */
export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata?: Metadata | null;
}

/**
 * Maximum bytes of the percent-encoded `grpc-message`: all trailers together must stay under the 8 KiB of some clients.
 */
const maxMessageBytes = 1_024;

/** The status of a successful call, with the trailers that its handler set. */
export function okStatus(trailer: Headers): GrpcStatus {
  return { code: 0, details: "", metadata: metadataOf(trailer) ?? null };
}

/**
 * The status of a failed call. A ConnectError keeps its code, message, details (`grpc-status-details-bin`, a
 * google.rpc.Status) and metadata. Any other error becomes INTERNAL "internal error", without details. Never throws.
 *
 * @param trailer the trailers that the handler set before it failed; sent too, as Connect does
 */
export function errorStatus(error: unknown, trailer?: Headers): GrpcStatus {
  const failure = error instanceof ConnectError ? error : new ConnectError("internal error", Code.Internal);
  const metadata = (trailer && metadataOf(trailer)) ?? new Metadata();
  // An error that came from another server is relayed without that server's headers.
  if (!failure.isWireError) {
    addHeaders(metadata, failure.metadata);
  }
  const message = asStatusMessage(failure.rawMessage);
  const details = encodeDetails(failure, message);
  if (details !== undefined) {
    metadata.set("grpc-status-details-bin", details);
  }
  const code: number = failure.code;
  return { code, details: message, metadata };
}

/** The message as well-formed Unicode, truncated between code points to `maxMessageBytes`. */
export function asStatusMessage(message: string): string {
  if (message.length <= maxMessageBytes && isPlain.test(message)) return message;
  let bytes = 0;
  let end = 0;
  for (const character of message.toWellFormed()) {
    bytes += percentEncode(character).length;
    if (bytes > maxMessageBytes) return `${message.slice(0, end).toWellFormed()}…`;
    end += character.length;
  }
  return message.toWellFormed();
}

/** Text that percent-encoding does not change. */
const isPlain = /^[ -$&-~]*$/;

/** Percent-encodes everything but printable ASCII, and "%" itself (PROTOCOL-HTTP2, Status-Message). */
function percentEncode(text: string): string {
  // Not encodeURI: it also encodes printable ASCII, which some clients would not decode.
  return isPlain.test(text) ? text : text.replace(/[^ -$&-~]+/g, encodeURIComponent);
}

/** The trailers to send for a status; `grpc-message` only if there is a message. */
export function trailersOf({ code, details, metadata }: GrpcStatus): OutgoingHttpHeaders {
  if (details === "" && metadata == null) return { "grpc-status": code };
  return {
    "grpc-status": code,
    ...(details !== "" && { "grpc-message": percentEncode(details) }),
    ...(metadata != null && headersOf(metadata)),
  };
}

function encodeDetails(error: ConnectError, message: string): Buffer | undefined {
  if (error.details.length === 0) {
    return undefined;
  }
  try {
    const details = error.details.map(asAny);
    const status = create(StatusSchema, { code: error.code, message, details });
    return Buffer.from(toBinary(StatusSchema, status));
  } catch {
    // A detail that cannot be encoded must not suppress the rest of the error.
    return undefined;
  }
}

function asAny(detail: ConnectError["details"][number]): Any | { typeUrl: string; value: Uint8Array } {
  return "desc" in detail
    ? anyPack(detail.desc, create(detail.desc, detail.value))
    : { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value };
}
