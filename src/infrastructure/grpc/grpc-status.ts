import type { OutgoingHttpHeaders } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { Metadata } from "@grpc/grpc-js";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { addHeaders, headersOf, metadataOf } from "./lazy-headers.ts";

/** How a call ends: code, `grpc-message` and trailers. */
export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata?: Metadata | null;
}

/** Bytes of `grpc-message` once it is percent-encoded: all trailers together must stay under the 8 KiB of some clients. */
const maxMessageBytes = 1_024;

/** The status of a call that went well, with the trailers its handler set. */
export function okStatus(trailer: Headers): GrpcStatus {
  return { code: 0, details: "", metadata: metadataOf(trailer) ?? null };
}

/**
 * The status of a call that failed. A ConnectError leaves with its code, message, details (`grpc-status-details-bin`, a
 * google.rpc.Status) and metadata; whatever else was thrown leaves as INTERNAL "internal error" and tells nothing.
 * Never throws.
 *
 * @param trailer what the handler had set before it failed; sent along, as Connect does
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

/** The message as text that UTF-8 can carry, cut between code points. */
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

/** Text that percent-encoding leaves as it is. */
const isPlain = /^[ -$&-~]*$/;

/** Percent-encoding as gRPC has it: all but printable ASCII, and "%" itself (PROTOCOL-HTTP2, Status-Message). */
function percentEncode(text: string): string {
  // encodeURI leaves few characters alone that gRPC encodes, and encodes many that some clients would not decode.
  return isPlain.test(text) ? text : text.replace(/[^ -$&-~]+/g, encodeURIComponent);
}

/** The trailers of a status as they are sent: `grpc-message` only where there is one. */
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
    // A detail that cannot be encoded must not take the rest of the error with it.
    return undefined;
  }
}

function asAny(detail: ConnectError["details"][number]): Any | { typeUrl: string; value: Uint8Array } {
  return "desc" in detail
    ? anyPack(detail.desc, create(detail.desc, detail.value))
    : { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value };
}
