import { type DescMessage, type DescMethod, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";
import { binaryFault } from "../text/not-utf8.ts";

/**
 * Decodes a request.
 * @throws DomainError INVALID_REQUEST with the path of the first string that is not UTF-8
 * @throws ConnectError INVALID_ARGUMENT if the bytes are not a message of the method's input type for another reason
 */
export function decodeRequest({ input }: DescMethod, bytes: Uint8Array): Message {
  try {
    // Not the Buffer itself: its slices, which become the message's bytes fields, are not plain Uint8Arrays.
    return fromBinary(input, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (cause) {
    const fault = isNotUtf8(cause) ? binaryFault(input, bytes) : undefined;
    const message = `the request is not a valid ${input.typeName}`;
    throw fault ?? new ConnectError(message, Code.InvalidArgument, undefined, undefined, cause);
  }
}

/** TextDecoder throws this error, and no other part of decoding does. */
function isNotUtf8(error: unknown): boolean {
  return error instanceof TypeError && "code" in error && error.code === "ERR_ENCODING_INVALID_ENCODED_DATA";
}

/** The encoded bytes of frozen messages. */
const frozen = new WeakMap<Message, Buffer>();

/** Encodes a response. Frozen messages are sent repeatedly, alone or in a list, so they are encoded once. */
export function encodeResponse({ output }: DescMethod, message: Message): Buffer {
  if (Object.isFrozen(message)) return encodeOnce(output, message);
  return encodeList(output, message) ?? encode(output, message);
}

function encodeOnce(type: DescMessage, message: Message): Buffer {
  const known = frozen.get(message);
  if (known !== undefined) return known;
  const bytes = encode(type, message);
  frozen.set(message, bytes);
  return bytes;
}

/** The bytes of a message whose only field is a list of frozen messages; undefined for any other message. */
function encodeList({ fields: [field, ...others] }: DescMessage, message: Message): Buffer | undefined {
  if (field?.fieldKind !== "list" || field.listKind !== "message" || others.length > 0) return undefined;
  const items = (message as unknown as Record<string, Message[]>)[field.localName] ?? [];
  if (!items.every(Object.isFrozen)) return undefined;
  const writer = new BinaryWriter();
  for (const item of items) {
    writer.tag(field.number, WireType.LengthDelimited).bytes(encodeOnce(field.message, item));
  }
  return asBuffer(writer.finish());
}

function encode(type: DescMessage, message: Message): Buffer {
  return asBuffer(toBinary(type, message));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
