import { create, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { Metadata, type ServerInterceptingCallInterface } from "@grpc/grpc-js";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { addHeaders, metadataOf } from "./lazy-headers.ts";

/** A status as grpc-js sends it: code, `grpc-message` and trailers. */
export type GrpcStatus = Parameters<ServerInterceptingCallInterface["sendStatus"]>[0];

/** A longer message could, percent-encoded, pass the 8 KiB of headers that some clients take. */
const maxMessageLength = 800;

/** The status of a call that went well, with the trailers its handler set. */
export function okStatus(trailer: Headers): GrpcStatus {
  return { code: 0, details: "OK", metadata: metadataOf(trailer) ?? null };
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

/** grpc-js runs the message through encodeURI, which throws at half a surrogate pair. */
function asStatusMessage(message: string): string {
  const short = message.length > maxMessageLength ? `${message.slice(0, maxMessageLength)}…` : message;
  return short.toWellFormed();
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
