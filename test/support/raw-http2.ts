import http2 from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { onTestFinished } from "vitest";
import { SayRequestSchema } from "../gen/echo/v1/echo_service_pb.ts";

export interface RawAnswer {
  readonly headers: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader;
  /** Of a response without a body, its headers. */
  readonly trailers: http2.IncomingHttpHeaders;
  readonly body: Buffer;
}

export const grpcHeaders = { ":method": "POST", "content-type": "application/grpc+proto", te: "trailers" };

/** An HTTP/2 client that sends what no gRPC library would. */
export class RawHttp2 {
  readonly session: http2.ClientHttp2Session;

  constructor(url: string, options: http2.SecureClientSessionOptions = {}) {
    this.session = http2.connect(url, options);
    this.session.on("error", () => {});
    onTestFinished(() => this.session.destroy());
  }

  /** Calls Say as it should be, but for the headers given. */
  say(text: string, headers: http2.OutgoingHttpHeaders = {}): Promise<RawAnswer> {
    const message = toBinary(SayRequestSchema, create(SayRequestSchema, { text }));
    return this.request({ ":path": "/echo.v1.EchoService/Say", ...headers }, [frame(message)]);
  }

  /** Sends a POST with gRPC's headers, but for those given, and ends it unless told otherwise. */
  request(
    headers: http2.OutgoingHttpHeaders,
    chunks: readonly Uint8Array[],
    { end = true } = {},
  ): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      const stream = this.session.request({ ...grpcHeaders, ...headers });
      const body: Buffer[] = [];
      let received: RawAnswer["headers"] = {};
      let trailers: http2.IncomingHttpHeaders | undefined;
      stream.on("response", (all) => {
        received = all;
      });
      stream.on("trailers", (all) => {
        trailers = all;
      });
      stream.on("data", (chunk) => body.push(chunk));
      stream.on("error", () => {});
      // The answer may be complete while the request is not.
      for (const event of ["end", "close"]) {
        stream.on(event, () =>
          resolve({ headers: received, trailers: trailers ?? received, body: Buffer.concat(body) }),
        );
      }
      this.session.on("close", () => reject(new Error("the connection was closed")));
      for (const chunk of chunks) {
        stream.write(chunk);
      }
      if (end) {
        stream.end();
      }
    });
  }
}

/** A message in its gRPC frame. */
export function frame(message: Uint8Array, compressed = false): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed ? 1 : 0, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
