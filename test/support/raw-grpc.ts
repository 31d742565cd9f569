import http2 from "node:http2";
import { create, type DescMethod, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import {
  type BadRequest_FieldViolation,
  BadRequestSchema,
  ErrorInfoSchema,
} from "../../src/gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.ts";
import { frame, grpcHeaders } from "./raw-http2.ts";

/** How a call ended, with its trailers as they came. */
export interface RawGrpcAnswer {
  readonly status: number;
  /** Bytes of the header list of the trailers, as RFC 9113 §6.5.2 counts: names, values, and 32 for each. */
  readonly trailerBytes: number;
  readonly violations: readonly BadRequest_FieldViolation[];
  /** `ErrorInfo.metadata["omittedViolations"]`. */
  readonly omittedViolations: number;
}

/** Calls a method once, by node:http2 alone, which accepts trailers of any size. */
export async function rawGrpc<Method extends DescMethod>(
  address: string,
  { parent, name, input }: Method,
  request: MessageInitShape<Method["input"]>,
): Promise<RawGrpcAnswer> {
  const session = http2.connect(`http://${address}`, {
    settings: { maxHeaderListSize: 1 << 24 },
    maxHeaderListPairs: 1_000,
  });
  try {
    const trailers = await new Promise<http2.IncomingHttpHeaders>((resolve, reject) => {
      session.on("error", reject);
      const stream = session.request({ ...grpcHeaders, ":path": `/${parent.typeName}/${name}` });
      let last: http2.IncomingHttpHeaders = {};
      const keep = (headers: http2.IncomingHttpHeaders) => {
        last = headers;
      };
      stream
        .on("response", keep)
        .on("trailers", keep)
        .on("error", reject)
        .on("close", () => resolve(last));
      stream.resume();
      stream.end(frame(toBinary(input, create(input, request))));
    });
    const encoded = trailers["grpc-status-details-bin"];
    const { details } = fromBinary(StatusSchema, Buffer.from(String(encoded ?? ""), "base64"));
    const unpacked = details.map((any) => ({
      badRequest: anyUnpack(any, BadRequestSchema),
      info: anyUnpack(any, ErrorInfoSchema),
    }));
    return {
      status: Number(trailers["grpc-status"]),
      trailerBytes: Object.entries(trailers).reduce(
        (sum, [key, value]) => sum + key.length + Buffer.byteLength(String(value)) + 32,
        0,
      ),
      violations: unpacked.flatMap(({ badRequest }) => badRequest?.fieldViolations ?? []),
      omittedViolations: Number(
        unpacked.find(({ info }) => info !== undefined)?.info?.metadata["omittedViolations"] ?? 0,
      ),
    };
  } finally {
    session.destroy();
  }
}
