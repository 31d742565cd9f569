import type { DescMethod, Message, Registry } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";
import { compressedFlag } from "@connectrpc/connect/protocol";
import { endStreamFlag } from "@connectrpc/connect/protocol-connect";
import { trailerFlag } from "@connectrpc/connect/protocol-grpc-web";
import { protocolError } from "../grpc/listener-error.ts";
import { decodeRequest } from "../grpc/message-bytes.ts";
import { MessageReader, tooLarge } from "../grpc/message-reader.ts";
import type { ByteLease } from "../sockets/unread-bytes.ts";
import { decodeJson } from "./decode-json.ts";
import { KeptBytes } from "./kept-bytes.ts";
import type { RequestBody } from "./request-body.ts";
import type { RequestHead } from "./request-head.ts";

/** The parts of a request from which its messages are read. */
export interface MessageSource {
  readonly head: RequestHead;
  readonly method: DescMethod;
  readonly url: string;
  readonly body: RequestBody;
  /** Counts the bytes held for a message until it is decoded. */
  readonly lease: ByteLease;
  readonly maxMessageBytes: number;
  readonly registry: Registry | undefined;
}

/**
 * Every message of a request, read and decoded on demand.
 * @throws ConnectError or DomainError (INVALID_REQUEST, UNKNOWN_FIELD) if a message is invalid
 */
export async function* readMessages(source: MessageSource): AsyncGenerator<Message> {
  const { head, body, lease, maxMessageBytes } = source;
  try {
    if (head.framing === "query") {
      yield decode(source, await inflate(source, bytesOfQuery(source.url)));
      return;
    }
    if (head.framing === "body") {
      yield decode(source, await inflate(source, await readAll(source)));
      return;
    }
    const endFlag = head.framing === "grpc-web-envelopes" ? trailerFlag : endStreamFlag;
    const knownFlags = compressedFlag | endFlag;
    const rules = { maxBytes: maxMessageBytes, knownFlags, faultCode: Code.InvalidArgument };
    const envelopes = new MessageReader(rules, lease);
    for (let chunk = await read(body); chunk !== undefined; chunk = await read(body)) {
      envelopes.push(chunk);
      for (let next = envelopes.next(); next !== undefined; next = envelopes.next()) {
        const { flags, bytes } = next;
        if ((flags & endFlag) !== 0) continue;
        yield decode(source, (flags & compressedFlag) === 0 ? bytes : await inflateEnvelope(source, bytes));
      }
    }
    if (envelopes.isInsideMessage) {
      throw protocolError(Code.InvalidArgument, "the request ends in the middle of a message");
    }
  } finally {
    lease.release();
  }
}

/**
 * The only message of a request.
 * @throws ConnectError or DomainError (INVALID_REQUEST, UNKNOWN_FIELD) if there is not exactly one valid message
 */
export async function readOnlyMessage(source: MessageSource): Promise<Message> {
  const messages = readMessages(source);
  const first = await messages.next();
  if (first.done === true) throw new ConnectError("the request has no message", Code.Unimplemented);
  const second = await messages.next();
  if (second.done === true) return first.value;
  await messages.return(undefined);
  throw new ConnectError("the request has more than one message", Code.Unimplemented);
}

async function readAll({ body, lease, maxMessageBytes }: MessageSource): Promise<Uint8Array> {
  const kept = new KeptBytes(lease);
  const { claimedBytes } = body;
  if (claimedBytes !== undefined && claimedBytes > maxMessageBytes)
    throw tooLarge(claimedBytes, maxMessageBytes);
  for (let chunk = await read(body); chunk !== undefined; chunk = await read(body)) {
    if (kept.length + chunk.length > maxMessageBytes)
      throw tooLarge(kept.length + chunk.length, maxMessageBytes);
    kept.push(chunk);
  }
  return kept.bytes;
}

async function read(body: RequestBody): Promise<Buffer | undefined> {
  try {
    return await body.read();
  } catch (cause) {
    throw new ConnectError("the call was cancelled", Code.Canceled, undefined, undefined, cause);
  }
}

async function inflateEnvelope(source: MessageSource, bytes: Uint8Array): Promise<Uint8Array> {
  if (source.head.compression === null) {
    throw protocolError(Code.Internal, "the message is compressed, but no compression is declared");
  }
  return inflate(source, bytes);
}

async function inflate({ head, maxMessageBytes }: MessageSource, bytes: Uint8Array): Promise<Uint8Array> {
  if (head.compression === null) return bytes;
  try {
    return await head.compression.decompress(Uint8Array.from(bytes), maxMessageBytes);
  } catch (error) {
    if (ConnectError.from(error).code === Code.ResourceExhausted) throw error;
    throw protocolError(Code.InvalidArgument, `the message is not valid ${head.compression.name}`);
  }
}

function decode({ head, method, registry }: MessageSource, bytes: Uint8Array): Message {
  return head.isBinary ? decodeRequest(method, bytes) : decodeJson(method.input, bytes, registry);
}

/** The message in the query of a GET (Connect protocol, Unary-Get-Request). */
function bytesOfQuery(url: string): Uint8Array {
  const { search, searchParams } = new URL(url);
  // URLSearchParams would replace bytes that are not UTF-8.
  const message = search.split(/[?&]/).find((each) => each.startsWith("message=")) ?? "";
  const bytes = percentDecoded(message.slice("message=".length).replaceAll("+", " "));
  if (searchParams.get("base64") !== "1") return bytes;
  try {
    return base64Decode(bytes.toString("latin1"));
  } catch {
    throw protocolError(Code.InvalidArgument, "message: malformed base64");
  }
}

/** @param text ASCII, as URLs are */
function percentDecoded(text: string): Buffer {
  const toByte = (_: string, digits: string) => String.fromCharCode(Number.parseInt(digits, 16));
  return Buffer.from(text.replace(/%([0-9a-f]{2})/gi, toByte), "latin1");
}
