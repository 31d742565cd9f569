import { create, toBinary } from "@bufbuild/protobuf";
import type { FieldViolation } from "../../domain/errors.ts";
import { BadRequest_FieldViolationSchema } from "../../gen/google/rpc/error_details_pb.ts";

/*
 * Clients accept 8 KiB of metadata (grpc-java) and drop the whole error beyond that. The trailers of an error stay
 * below 7 KiB, counted as in HTTP/2 (RFC 9113 §6.5.2). The largest error:
 *
 *   grpc-message               1,536  percent-encoded
 *   grpc-status-details-bin    5,000  base64 of 3,750: message 803, violations 2,400, ErrorInfo, RequestInfo, RetryInfo
 *   names, grpc-status, content-type, :status, date      350
 */
const messageBytes = 1_536;
const violationsBytes = 2_400;
const fieldBytes = 256;
const descriptionBytes = 512;

/** Text that grows at most threefold when percent-encoded. */
const isAscii = /^[ -~]*$/;

/** Size of a message in `grpc-message`: all bytes but ASCII letters, digits and a few marks take three. */
const percentEncodedBytes = (text: string) => encodeURIComponent(text).length;
const utf8Bytes = (text: string) => Buffer.byteLength(text);

/** The message of an error, truncated to its share of `grpc-message`. */
export function shortMessage(message: string): string {
  if (message.length * 3 <= messageBytes && isAscii.test(message)) return message;
  return shortened(message, messageBytes, percentEncodedBytes);
}

/** The first violations that fit into an error, at least one. Long paths and descriptions are truncated. */
export function firstViolations(violations: readonly FieldViolation[]): FieldViolation[] {
  const first: FieldViolation[] = [];
  let bytes = 0;
  for (const { field, description } of violations) {
    const violation = {
      field: shortened(field, fieldBytes, utf8Bytes),
      description: shortened(description, descriptionBytes, utf8Bytes),
    };
    bytes += encodedBytes(violation);
    if (bytes > violationsBytes) break;
    first.push(violation);
  }
  return first;
}

/** Includes the tag and length, each at most two bytes. */
function encodedBytes(violation: FieldViolation): number {
  const message = create(BadRequest_FieldViolationSchema, violation);
  return toBinary(BadRequest_FieldViolationSchema, message).length + 4;
}

/** Truncates text to at most `limit` bytes, as well-formed text, with an ellipsis if anything was cut. */
function shortened(text: string, limit: number, bytesOf: (text: string) => number): string {
  // Every character takes at least one byte, so the rest need not be measured.
  const start = text.slice(0, limit + 1).toWellFormed();
  if (start.length <= limit && bytesOf(start) <= limit) return start;
  let bytes = bytesOf("…");
  let end = 0;
  for (const character of start) {
    bytes += bytesOf(character);
    if (bytes > limit) break;
    end += character.length;
  }
  return `${start.slice(0, end)}…`;
}
