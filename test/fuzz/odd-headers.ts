import fc from "fast-check";
import type { Headers } from "./inputs.ts";

/** What HTTP allows in the value of a header. */
const values = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 0x21, max: 0x7e }) },
      fc.integer({ min: 0x80, max: 0xff }),
    ),
    { maxLength: 60 },
  )
  .map((codes) => String.fromCharCode(...codes));

/** What HTTP allows in the name of a header, in the lower case of HTTP/2. */
const names = fc.stringMatching(/^x-[a-z0-9!#$%&'*+.^_`|~-]{1,20}(-bin)?$/);

const long = fc
  .tuple(names, fc.integer({ min: 100, max: 7_000 }))
  .map(([name, length]): Headers => ({ [name]: "x".repeat(length) }));
const odd = fc.dictionary(names, values, { minKeys: 1, maxKeys: 10 });
const many = fc
  .integer({ min: 50, max: 150 })
  .map(
    (count): Headers => Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-many-${i}`, `${i}`])),
  );
const repeated = fc
  .tuple(names, fc.array(values, { minLength: 2, maxLength: 20 }))
  .map(([name, all]): Headers => ({ [name]: all }));

function header(name: string, value: fc.Arbitrary<string>): fc.Arbitrary<Headers> {
  return fc.oneof({ weight: 3, arbitrary: value }, values).map((each) => ({ [name]: each }));
}

const requestIds = header(
  "x-request-id",
  fc.oneof(
    fc.constant(""),
    fc.constant("x".repeat(129)),
    fc.constant("good-id:1"),
    fc.string({ unit: fc.constantFrom("a", "/", '"', "\\", "\u00e9") }),
  ),
);

const authorities = fc.constantFrom(
  "localhost:99999",
  "[::",
  "x".repeat(2_000),
  "a:b:c",
  "user@host",
  "xn--",
  "%",
  "..",
);

/** Headers of which the gRPC port makes something, with values of which it cannot. */
export const oddGrpcHeaders: fc.Arbitrary<Headers> = fc.oneof(
  long,
  odd,
  many,
  repeated,
  requestIds,
  header("grpc-accept-encoding", fc.constantFrom("gzip", "nope", "identity, gzip,,", "")),
  header("grpc-encoding", fc.constantFrom("identity", "nope", "gzip, gzip", "GZIP", "")),
  header("user-agent", fc.constant("")),
  header("x-thing-bin", fc.constantFrom("!", "====", "AA=", "A", ",,,")),
  header(
    "content-type",
    fc.constantFrom(
      "application/grpc",
      "application/grpc+json",
      "application/grpc+",
      "application/grpcx",
      "application/grpc;charset=x",
      "text/html",
      "",
      "application/json",
      "application/grpc-web",
    ),
  ),
  authorities.map((authority) => ({ ":authority": authority })),
  fc.constantFrom("GET", "PUT", "OPTIONS", "DELETE", "PATCH", "X").map((method) => ({ ":method": method })),
);

const timeouts = [
  "",
  "x",
  "1",
  "S",
  "-1S",
  "1.5S",
  "999999999S",
  "1 S",
  "1s",
  "0x1S",
  "1S1S",
  "S1",
  "NaNm",
  "1d",
  "１S",
  "1S, 2S",
];

/** Timeouts that are none. What grpc-js cannot read it answers with INTERNAL. */
export const badGrpcTimeouts: fc.Arbitrary<Headers> = header(
  "grpc-timeout",
  fc.constantFrom(...timeouts.map((text) => Buffer.from(text).toString("latin1"))),
);

/** Timeouts that are very short or very long. */
export const extremeGrpcTimeouts: fc.Arbitrary<Headers> = fc
  .tuple(
    fc.constantFrom("0", "1", "00000000", "99999999", "4294968", "2147484"),
    fc.constantFrom(..."HMSmun"),
  )
  .map(([digits, unit]) => ({ "grpc-timeout": `${digits}${unit}` }));

/** Headers of which Connect and gRPC-Web make something, with values of which they cannot. */
export const oddHttpHeaders: fc.Arbitrary<Headers> = fc.oneof(
  long,
  odd,
  many,
  repeated,
  requestIds,
  header("connect-protocol-version", fc.constantFrom("1", "2", "0", "", "1, 1", "one")),
  header(
    "connect-timeout-ms",
    fc.constantFrom(
      "",
      "x",
      "-1",
      "0",
      "1",
      "1.5",
      "1e3",
      "9999999999",
      "99999999999",
      "0x10",
      "Infinity",
      "NaN",
      "1, 2",
    ),
  ),
  header("grpc-timeout", fc.constantFrom("", "x", "0m", "1n", "99999999H", "1S, 2S")),
  header("accept-encoding", fc.constantFrom("br", "gzip;q=0", "*", "nope", "")),
  header("connect-accept-encoding", fc.constantFrom("nope", "gzip, br, x")),
  header("content-encoding", fc.constantFrom("nope", "identity", "gzip, gzip", "GZIP", "")),
  header("expect", fc.constantFrom("100-continue", "200-ok", "")),
  header("upgrade", fc.constantFrom("h2c", "websocket", "TLS/1.0")),
  header("origin", fc.constantFrom("null", "https://example.com", "")),
  fc
    .constantFrom("a|b", "localhost:99999", "", "[::", "a b", "%", ...["x".repeat(2_000)])
    .map((host) => ({ host })),
);

/** What Connect may take for another kind of body than it is. */
export const oddContentTypes: fc.Arbitrary<Headers> = header(
  "content-type",
  fc.constantFrom(
    "",
    "application/json; charset=utf-16",
    "application/JSON",
    "application/connect+json",
    "application/connect+proto",
    "application/grpc-web+json",
    "application/grpc-web-text",
    "application/grpc",
    "text/plain",
    "*/*",
    "application/proto",
    "application/json, application/proto",
    ";",
  ),
);
