import { type DescMessage, type JsonValue, type Message, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { byteBreaks } from "./broken-bytes.ts";
import type { Request } from "./messages.ts";

/** JSON as text, because much of what is sent is none that JSON.stringify would write. */
const oddValues = fc.oneof(
  fc.constantFrom(
    "null",
    "true",
    "0",
    "-0",
    "1.5",
    "NaN",
    "Infinity",
    "-Infinity",
    "undefined",
    "",
    "{}",
    "[]",
    "[[]]",
  ),
  fc.constantFrom(
    "1e400",
    "-1e-400",
    "9007199254740993",
    "18446744073709551616",
    `1${"0".repeat(400)}`,
    "0x10",
    "01",
  ),
  fc.constantFrom(
    '"NaN"',
    '"STATE_NOPE"',
    '"STATE_DELETED"',
    '"1"',
    '"1e3"',
    '"99999999999999999999"',
    '""',
    '"*"',
  ),
  fc.constantFrom(
    '"\\ud800"',
    '"\\udc00x"',
    '"\\u0000"',
    '"\\x"',
    '"a',
    "'a'",
    '"\\ud83d\\ude00"',
    '"\u2028"',
  ),
  fc.constantFrom(
    '"0001-01-01T00:00:00Z"',
    '"9999-12-31T23:59:59.999999999Z"',
    '"2020-13-45T99:99:99Z"',
    '"2020-01-01"',
  ),
  fc.constantFrom(
    '{"@type":"type.googleapis.com/x"}',
    '{"__proto__":{"x":1}}',
    '{"constructor":null}',
    '{"toString":1}',
  ),
  fc
    .tuple(fc.constantFrom("[", '{"user":', '{"a":', '{"filter":'), fc.integer({ min: 5, max: 20_000 }))
    .map(([open, depth]) => open.repeat(depth)),
  fc.integer({ min: 5, max: 5_000 }).map((depth) => `${"[".repeat(depth)}${"]".repeat(depth)}`),
  fc.json(),
);

type Break = (json: JsonValue) => string;

const place = fc.nat(0xffff);

/** Another value in the place of one. */
const replaced = fc.tuple(place, oddValues).map(
  ([at, value]): Break =>
    (json) =>
      withValue(json, at, () => value),
);

/** A field that comes twice, the second time with another value. */
const repeated = fc.tuple(place, oddValues).map(
  ([at, value]): Break =>
    (json) => {
      const key = Object.keys(json ?? {}).at(at % Math.max(1, Object.keys(json ?? {}).length)) ?? "id";
      return stringify(json).replace("{", `{${JSON.stringify(key)}:${value},`);
    },
);

const unknownField = fc.tuple(fc.string(), oddValues).map(
  ([key, value]): Break =>
    (json) =>
      stringify(json).replace("{", `{${JSON.stringify(key)}:${value},`),
);

const odd = oddValues.map(
  (value): Break =>
    () =>
      value,
);
const untouched = fc.constant<Break>(stringify);

/** The bytes of a request as ProtoJSON, broken in some way; now and then they are not. */
export function brokenJson(
  requests: fc.Arbitrary<Request>,
): fc.Arbitrary<{ request: Request; bytes: Uint8Array }> {
  const breaks = fc.oneof(
    { weight: 4, arbitrary: replaced },
    { weight: 2, arbitrary: repeated },
    unknownField,
    odd,
    untouched,
  );
  const afterwards = fc.option(byteBreaks, { nil: undefined, freq: 4 });
  return fc.tuple(requests, breaks, afterwards).map(([request, change, breakBytes]) => {
    const bytes = Buffer.from(change(jsonOf(request.method.input, request.message)));
    return { request, bytes: breakBytes === undefined ? bytes : breakBytes(bytes) };
  });
}

export function jsonOf(desc: DescMessage, message: Message): JsonValue {
  try {
    return toJson(desc, message);
  } catch {
    // What has no JSON: a text with half a surrogate pair, a time out of range, a path that is none.
    return { id: "x", user: { email: "x" } };
  }
}

const marker = "\u0001here\u0001";

function withValue(json: JsonValue, at: number, value: () => string): string {
  let left = at % Math.max(1, count(json));
  const change = (part: JsonValue): JsonValue => {
    if (left-- === 0) return marker;
    if (Array.isArray(part)) return part.map(change);
    if (part === null || typeof part !== "object") return part;
    return Object.fromEntries(Object.entries(part).map(([key, each]) => [key, change(each)]));
  };
  return stringify(change(json)).replace(JSON.stringify(marker), value);
}

function count(json: JsonValue): number {
  return json === null || typeof json !== "object"
    ? 1
    : Object.values(json).reduce<number>((sum, each) => sum + count(each), 1);
}

function stringify(json: JsonValue): string {
  return JSON.stringify(json);
}
