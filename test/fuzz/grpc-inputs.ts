import fc from "fast-check";
import { protobufBreaks } from "./broken-bytes.ts";
import { brokenJson } from "./broken-json.ts";
import { brokenGzip, bytesOf, getUser, gzipHeaders, paths, tokenRequests } from "./broken-requests.ts";
import { bombs, brokenFrames, compressed, type Encoding, frame } from "./envelopes.ts";
import { type GrpcInput, grpcInput, type Headers } from "./inputs.ts";
import { type Known, pathOf, type Request, requests } from "./messages.ts";
import { badGrpcTimeouts, extremeGrpcTimeouts, oddGrpcHeaders } from "./odd-headers.ts";

/** Everything that is sent to the gRPC port. */
export function grpcInputs(known: Known): fc.Arbitrary<GrpcInput> {
  const valid = requests(known);
  const get = fc.constantFrom(...known.ids).map(getUser);
  const send = (kind: string, request: Request, body: Uint8Array, headers?: Headers, undecodable?: boolean) =>
    grpcInput(kind, pathOf(request.method), body, headers, undecodable);
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .tuple(valid, protobufBreaks)
        .map(([r, change]) => send("protobuf", r, frame(change(bytesOf(r))))),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(valid, brokenFrames, fc.constantFrom(undefined, "gzip"))
        .map(([r, change, encoding]) =>
          send("envelope", r, change(bytesOf(r)), encoding && gzipHeaders(encoding), true),
        ),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom<Encoding>("gzip", "deflate")
        .chain((encoding) =>
          fc
            .tuple(valid, fc.constantFrom(...bombs(encoding)))
            .map(([r, bomb]) => send("bomb", r, frame(bomb, 1), gzipHeaders(encoding))),
        ),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(valid, brokenGzip)
        .map(([r, { change, encoding }]) =>
          send(
            "broken gzip",
            r,
            frame(change(compressed(encoding, bytesOf(r))), 1),
            gzipHeaders(encoding),
            true,
          ),
        ),
    },
    {
      weight: 1,
      arbitrary: brokenJson(valid).map(({ request, bytes }) =>
        send("JSON", request, frame(bytes), { "content-type": "application/grpc+json" }),
      ),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(get, oddGrpcHeaders)
        .map(([r, headers]) => send("headers", r, frame(bytesOf(r)), headers)),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(get, badGrpcTimeouts)
        .map(([r, headers]) => send("bad timeout", r, frame(bytesOf(r)), headers, true)),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(get, extremeGrpcTimeouts)
        .map(([r, headers]) => send("extreme timeout", r, frame(bytesOf(r)), headers)),
    },
    { weight: 2, arbitrary: tokenRequests(known).map((r) => send("page token", r, frame(bytesOf(r)))) },
    {
      weight: 1,
      arbitrary: fc.tuple(get, paths).map(([r, path]) => grpcInput("path", path, frame(bytesOf(r)))),
    },
  );
}
