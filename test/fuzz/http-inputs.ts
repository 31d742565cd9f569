import fc from "fast-check";
import { byteBreaks, protobufBreaks } from "./broken-bytes.ts";
import { brokenJson, jsonOf } from "./broken-json.ts";
import { brokenGzip, bytesOf, getUser, gzipHeaders, paths, tokenRequests } from "./broken-requests.ts";
import { bombs, brokenFrames, compressed, type Encoding, frame } from "./envelopes.ts";
import { type Headers, type HttpInput, httpInput } from "./inputs.ts";
import { type Known, pathOf, type Request, requests } from "./messages.ts";
import { oddContentTypes, oddHttpHeaders } from "./odd-headers.ts";

const proto = { "content-type": "application/proto", "connect-protocol-version": "1" };
const json = { "content-type": "application/json" };
const grpcWeb = { "content-type": "application/grpc-web+proto" };
const grpcWebJson = { "content-type": "application/grpc-web+json" };
const connectStream = { "content-type": "application/connect+proto" };

/** Everything that is sent to the HTTP port. */
export function httpInputs(known: Known): fc.Arbitrary<HttpInput> {
  const valid = requests(known);
  const get = fc.constantFrom(...known.ids).map(getUser);
  const send = (kind: string, request: Request, body: Uint8Array, headers: Headers, undecodable?: boolean) =>
    httpInput(kind, pathOf(request.method), body, headers, { undecodable });
  const inJson = (r: Request) => Buffer.from(JSON.stringify(jsonOf(r.method.input, r.message)));
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .tuple(valid, protobufBreaks)
        .map(([r, change]) => send("protobuf", r, change(bytesOf(r)), proto, true)),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(valid, protobufBreaks)
        .map(([r, change]) => send("protobuf in gRPC-Web", r, frame(change(bytesOf(r))), grpcWeb, true)),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(
          valid,
          brokenFrames,
          fc.constantFrom(grpcWeb, grpcWebJson, connectStream),
          fc.constantFrom({}, gzipHeaders("gzip")),
        )
        .map(([r, change, type, encoding]) =>
          send("envelope", r, change(bytesOf(r)), { ...type, ...encoding }, true),
        ),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom<Encoding>("gzip", "br")
        .chain((encoding) =>
          fc
            .tuple(valid, fc.constantFrom(...bombs(encoding)), fc.constantFrom(proto, json))
            .map(([r, bomb, type]) => send("bomb", r, bomb, { ...type, "content-encoding": encoding }, true)),
        ),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(valid, fc.constantFrom(...bombs("gzip")))
        .map(([r, bomb]) =>
          send("bomb in gRPC-Web", r, frame(bomb, 1), { ...grpcWeb, ...gzipHeaders("gzip") }, true),
        ),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(valid, brokenGzip)
        .map(([r, { change, encoding }]) =>
          send(
            "broken gzip",
            r,
            change(compressed(encoding, inJson(r))),
            { ...json, "content-encoding": encoding },
            true,
          ),
        ),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(valid, brokenGzip)
        .map(([r, { change, encoding }]) =>
          send(
            "broken gzip in gRPC-Web",
            r,
            frame(change(compressed(encoding, bytesOf(r))), 1),
            { ...grpcWeb, ...gzipHeaders(encoding) },
            true,
          ),
        ),
    },
    {
      weight: 8,
      arbitrary: brokenJson(valid).map(({ request, bytes }) => send("JSON", request, bytes, json)),
    },
    {
      weight: 1,
      arbitrary: brokenJson(valid).map(({ request, bytes }) =>
        send("JSON in gRPC-Web", request, frame(bytes), grpcWebJson),
      ),
    },
    { weight: 1, arbitrary: brokenJson(get).map(({ request, bytes }) => queried(request, bytes)) },
    {
      weight: 4,
      arbitrary: fc
        .tuple(get, oddHttpHeaders, fc.constantFrom(json, grpcWeb))
        .map(([r, headers, type]) =>
          send("headers", r, type === json ? inJson(r) : frame(bytesOf(r)), { ...type, ...headers }),
        ),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(get, oddContentTypes, fc.boolean())
        .map(([r, type, inFrame]) =>
          send("content type", r, inFrame ? frame(bytesOf(r)) : inJson(r), { ...json, ...type }, true),
        ),
    },
    { weight: 2, arbitrary: tokenRequests(known).map((r) => send("page token", r, inJson(r), json)) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(paths, fc.constantFrom("POST", "GET", "HEAD", "OPTIONS", "PUT", "DELETE"))
        .map(([path, method]) => httpInput("path", path, Buffer.from("{}"), json, { method })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(get, byteBreaks)
        .map(([r, change]) => brokenHttp(send("HTTP", r, inJson(r), json), change)),
    },
  );
}

/** Connect's GET: the message is in the query. */
function queried({ method }: Request, bytes: Uint8Array): HttpInput {
  const message = Buffer.from(bytes).toString("base64url").slice(0, 8_000);
  return httpInput(
    "JSON in a query",
    `${pathOf(method)}?connect=v1&encoding=json&base64=1&message=${message}`,
    Buffer.alloc(0),
    {},
    { method: "GET" },
  );
}

/** The first lines broken, and then enough of what ends a request for nobody to wait for more. */
function brokenHttp({ bytes, kind }: HttpInput, change: (bytes: Uint8Array) => Uint8Array): HttpInput {
  const end = Buffer.from(bytes).indexOf("\r\n\r\n");
  const head = change(bytes.subarray(0, end));
  return {
    port: "http",
    kind,
    bytes: Buffer.concat([head, Buffer.from("\r\nconnection: close\r\n\r\n"), bytes.subarray(end + 4)]),
    alone: true,
  };
}
