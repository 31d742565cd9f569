import { type Input, inHex } from "./inputs.ts";

/** How the service answered. */
export interface Answer {
  /** "grpc 3", "grpc-web 3", "400 invalid_argument"; "reset 1" and "closed" where there was no answer. */
  readonly code: string;
  readonly message: string;
  readonly body: Buffer;
}

/** Longer than any deadline that the inputs set, and than the service's own here. */
export const answerTimeoutMs = 15_000;

export function hung(input: Input): Error {
  return new Error(`no answer within ${answerTimeoutMs} ms to ${inHex(input)}`);
}

const unknown = /^grpc(-web)? 2$|unknown/;
const internal = /^grpc(-web)? 13$|^500/;

/** What grpc-js and Connect say themselves of bytes and headers that they cannot read. */
const libraryAnswers =
  /^(Failed to decompress message|Invalid grpc-timeout value|decompression failed|the message is compressed|the request ends in the middle of a message|unsupported message flags)/;

/** PROTOCOL_ERROR on the gRPC port, where a request that breaks the protocol is INTERNAL, as in grpc-go. */
const protocolErrors =
  /^(the method must be POST|unsupported message flags|the message is (not valid|compressed)|the request ends in the middle of a message)/;

/** Kinds that break the protocol itself: HTTP/2 answers by a reset of the stream, HTTP/1.1 by closing. */
const mayBeRefused = new Set(["grpc headers", "grpc path", "http HTTP"]);

/** Why an answer is not as it must be, or undefined where it is. */
export function faultOf(input: Input, { code, message }: Answer): string | undefined {
  if (unknown.test(code)) return "UNKNOWN";
  if (internal.test(code)) {
    const isLibrary = input.undecodable === true && libraryAnswers.test(message);
    return isLibrary || protocolErrors.test(message)
      ? undefined
      : "INTERNAL, and not because the bytes cannot be read";
  }
  const isRefusal = code === "closed" || code.startsWith("reset ");
  if (isRefusal) return mayBeRefused.has(`${input.port} ${input.kind}`) ? undefined : "no answer";
  return /undefined|NaN/.test(code) ? "an answer without a status" : undefined;
}
