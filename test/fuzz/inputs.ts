/** What is sent to one of the two ports, byte for byte. */
export type Input = GrpcInput | RawInput | HttpInput;

interface Made {
  /** What kind of input it is: answers are counted by it. */
  readonly kind: string;
  /** Bytes or headers that no reader can read, which libraries answer with INTERNAL. */
  readonly undecodable?: boolean | undefined;
}

/** One HTTP/2 request, ended after its body. */
export interface GrpcInput extends Made {
  readonly port: "grpc";
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Uint8Array;
}

/** All bytes of a connection to the gRPC port. */
export interface RawInput extends Made {
  readonly port: "raw grpc";
  readonly bytes: Uint8Array;
}

/** All bytes of an HTTP/1.1 request. */
export interface HttpInput extends Made {
  readonly port: "http";
  readonly bytes: Uint8Array;
  /** More may be in the bytes than one request: nothing else is sent on the connection. */
  readonly alone?: boolean | undefined;
}

export type Headers = Readonly<Record<string, string | string[]>>;

export const grpcHeaders = { ":method": "POST", "content-type": "application/grpc+proto", te: "trailers" };

export function grpcInput(
  kind: string,
  path: string,
  body: Uint8Array,
  headers: Headers = {},
  undecodable = false,
): GrpcInput {
  return { port: "grpc", kind, headers: { ...grpcHeaders, ":path": path, ...headers }, body, undecodable };
}

/** A POST with its length. Header values are written as Latin-1, unchecked. */
export function httpInput(
  kind: string,
  path: string,
  body: Uint8Array,
  headers: Headers = {},
  { method = "POST", undecodable = false, alone = false } = {},
): HttpInput {
  const all: Headers = { host: "localhost", "content-length": String(body.length), ...headers };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    [value].flat().map((each) => `${name}: ${each}\r\n`),
  );
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1");
  return { port: "http", kind, bytes: Buffer.concat([head, body]), undecodable, alone };
}

/** An input so that it can be sent again by hand. */
export function inHex(input: Input): string {
  const where = `${input.kind} on the port "${input.port}"`;
  if (input.port !== "grpc") return `${where}, hex: ${hex(input.bytes)}`;
  return `${where}, headers: ${JSON.stringify(input.headers)}, body in hex: ${hex(input.body)}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
