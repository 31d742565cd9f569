import { type DescMessage, type DescMethod, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";

/** @throws ConnectError INVALID_ARGUMENT where the bytes are not a message of the method's input type */
export function decodeRequest({ input }: DescMethod, bytes: Uint8Array): Message {
  try {
    // A Buffer would do too, but its slices, which become the message's bytes fields, are no plain Uint8Array.
    return fromBinary(input, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (cause) {
    const message = `request is not a valid ${input.typeName}`;
    throw new ConnectError(message, Code.InvalidArgument, undefined, undefined, cause);
  }
}

/** The bytes of answers that never change. */
const frozen = new WeakMap<Message, Buffer>();

/** A frozen message is one that is answered again and again: it is encoded once. */
export function encodeResponse({ output }: DescMethod, message: Message): Buffer {
  if (!Object.isFrozen(message)) return encode(output, message);
  const known = frozen.get(message);
  if (known !== undefined) return known;
  const bytes = encode(output, message);
  frozen.set(message, bytes);
  return bytes;
}

function encode(output: DescMessage, message: Message): Buffer {
  const bytes = toBinary(output, message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
