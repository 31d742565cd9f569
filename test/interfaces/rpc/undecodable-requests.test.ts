import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { enveloped, type RawCall, serveApi } from "../../support/served-api.ts";

// `application/proto` that is not a valid message was answered with 500 "internal", without ErrorInfo, without a line in
// the log, and before authentication.

const binary: Record<string, Buffer> = {
  "a tag without a value": Buffer.of(0x0a),
  "a length past the end": Buffer.of(0x12, 0x7f, 0x61),
  "half a varint": Buffer.of(0xff),
  "an end of a group that has not begun": Buffer.of(0x0c),
  "a wire type that does not exist": Buffer.of(0x0f, 0x00),
  "field number 0": Buffer.of(0x00, 0x00),
  noise: Buffer.from("c3008012ff", "hex"),
};

const json: Record<string, Buffer> = {
  nothing: Buffer.alloc(0),
  "half an object": Buffer.from("{"),
  "a list": Buffer.from("[]"),
  null: Buffer.from("null"),
  "a string": Buffer.from('"\\ud800"'),
  "two values": Buffer.from("{} {}"),
  "bytes that are not UTF-8": Buffer.from('{"\xff":1}', "latin1"),
  "an overlong UTF-8 sequence": Buffer.from('{"\xc0\xae":1}', "latin1"),
};

const ofGetUser: Record<string, Buffer> = {
  "a number for a string": Buffer.from('{"id":1}'),
  "one key twice": Buffer.from('{"id":"a","id":"b"}'),
  "malformed UTF-8 in a string": Buffer.from('{"id":"\xc3\x28"}', "latin1"),
};

const unary = "UserService/GetUser";
const serverStream = "EventService/WatchEvents";
const clientStream = "UserTransferService/ImportUsers";

/** Each input as each protocol carries it. */
const calls: [name: string, call: RawCall][] = [];
const add = (name: string, method: string, contentType: string, body: Buffer) =>
  void calls.push([`${name} to ${method} as ${contentType}`, { method, contentType, body }]);

for (const [name, bytes] of Object.entries(binary)) {
  add(name, unary, "application/proto", bytes);
  for (const method of [unary, serverStream, clientStream]) {
    add(name, method, "application/grpc", enveloped(bytes));
    add(name, method, "application/grpc-web+proto", enveloped(bytes));
  }
  for (const method of [serverStream, clientStream]) {
    add(name, method, "application/connect+proto", enveloped(bytes));
  }
}
for (const [name, bytes] of Object.entries(json)) {
  add(name, unary, "application/json", bytes);
  for (const method of [unary, serverStream, clientStream]) {
    add(name, method, "application/grpc-web+json", enveloped(bytes));
  }
  for (const method of [serverStream, clientStream]) {
    add(name, method, "application/connect+json", enveloped(bytes));
  }
}
for (const [name, bytes] of Object.entries(ofGetUser)) {
  add(name, unary, "application/json", bytes);
  add(name, unary, "application/grpc-web+json", enveloped(bytes));
}
const malformedText = Buffer.from("0a02c328", "hex");
add("malformed UTF-8 in a string", unary, "application/proto", malformedText);
add("malformed UTF-8 in a string", unary, "application/grpc-web", enveloped(malformedText));
add("malformed UTF-8 in a string", unary, "application/grpc", enveloped(malformedText));

describe("a request that is not a valid message", () => {
  test("is INVALID_ARGUMENT with an ErrorInfo, and one line in the log, over every protocol", async () => {
    const api = await serveApi();
    const wrong: unknown[] = [];
    for (const [name, call] of calls) {
      api.log.length = 0;
      const answer = await api.send(call);
      const lines = api.log.map(({ level, fields: { method, code } }) => ({ level, method, code }));
      const seen = { code: answer.code, reason: answer.reason, text: answer.message.slice(0, 26), lines };
      const right = {
        code: Code.InvalidArgument,
        reason: "INVALID_REQUEST",
        text: "the request is not a valid",
        lines: [{ level: "info", method: `auth.v1.${call.method}`, code: "INVALID_ARGUMENT" }],
      };
      if (JSON.stringify(seen) !== JSON.stringify(right)) wrong.push({ name, seen });
    }
    expect(wrong).toEqual([]);
  });

  test("is not looked at before its caller is known", async () => {
    const api = await serveApi({ AUTH_CALLERS: "known" });
    const wrong: unknown[] = [];
    for (const [name, call] of calls) {
      api.log.length = 0;
      const { code, reason } = await api.send(call);
      const lines = api.log.map(({ fields }) => fields.code);
      if (reason !== "CALLER_UNAUTHENTICATED" || lines.join() !== "UNAUTHENTICATED") {
        wrong.push({ name, code, reason, lines });
      }
    }
    expect(wrong).toEqual([]);
  });

  test.each([
    ["encoding=json&message=%7B", "malformed JSON"],
    ["encoding=json&message=%7B%22id%22%3A1%7D", "id: wrong type or out of range"],
    ["encoding=json&base64=1&message=*", "message: malformed base64"],
    ["encoding=proto&base64=1&message=Cg", "the request is not a valid auth.v1.GetUserRequest"],
    ["encoding=json&compression=gzip&message=%7B%7D", "the message is not valid gzip"],
    ["encoding=json&compression=lzma&message=%7B%7D", "compression: unsupported"],
  ])("is an error of the caller in the query of a GET: %s", async (query, message) => {
    const api = await serveApi();
    const answer = await api.get(`UserService/GetUser?connect=v1&${query}`);
    expect(answer.message).toContain(message);
    expect(["INVALID_REQUEST", "PROTOCOL_ERROR"]).toContain(answer.reason);
    expect(api.log.map(({ level, fields }) => [level, fields.method])).toEqual([
      ["info", "auth.v1.UserService/GetUser"],
    ]);
  });

  test.each(["2027-02-31T00:00:00Z", "2027-01-31T24:00:00Z", "2027-01-31T00:00:00"])(
    "has no time that does not exist or is ambiguous: %s",
    async (untilTime) => {
      const api = await serveApi();
      const body = Buffer.from(JSON.stringify({ id: crypto.randomUUID(), reason: "left", untilTime }));
      for (const [contentType, bytes] of [
        ["application/json", body],
        ["application/grpc-web+json", enveloped(body)],
      ] as const) {
        const answer = await api.send({ method: "UserService/SuspendUser", contentType, body: bytes });
        expect(answer).toMatchObject({ code: Code.InvalidArgument, reason: "INVALID_REQUEST" });
      }
    },
  );

  test("says which field it is, and never its value", async () => {
    const api = await serveApi();
    const body = Buffer.from('{"id":{"secret":"hunter2"}}');
    const answer = await api.send({ method: unary, contentType: "application/json", body });
    expect(answer.message).toBe(
      "the request is not a valid auth.v1.GetUserRequest: id: wrong type or out of range",
    );
  });
});

describe("a request that breaks its protocol", () => {
  const id = "00000000-0000-4000-8000-000000000000";
  const message = Buffer.from(`0a24${Buffer.from(id).toString("hex")}`, "hex");
  test.each<[string, RawCall, Code]>([
    [
      "a timeout that is not a number",
      {
        method: unary,
        contentType: "application/json",
        body: Buffer.from("{}"),
        headers: { "connect-timeout-ms": "soon" },
      },
      Code.InvalidArgument,
    ],
    [
      "a timeout without a unit",
      {
        method: unary,
        contentType: "application/grpc-web",
        body: enveloped(message),
        headers: { "grpc-timeout": "1000" },
      },
      Code.InvalidArgument,
    ],
    [
      "an unknown compression",
      {
        method: unary,
        contentType: "application/proto",
        body: message,
        headers: { "content-encoding": "lzma" },
      },
      Code.Unimplemented,
    ],
    [
      "a compressed message without a compression",
      { method: unary, contentType: "application/grpc-web", body: enveloped(message, 1) },
      Code.Internal,
    ],
    [
      "unknown flags",
      { method: unary, contentType: "application/grpc-web", body: enveloped(message, 4) },
      Code.InvalidArgument,
    ],
    [
      "half a message",
      { method: unary, contentType: "application/grpc-web", body: enveloped(message).subarray(0, 20) },
      Code.InvalidArgument,
    ],
    [
      "half a prefix",
      { method: clientStream, contentType: "application/connect+proto", body: Buffer.alloc(3) },
      Code.InvalidArgument,
    ],
    [
      "a body that is not gzip",
      {
        method: unary,
        contentType: "application/proto",
        body: message,
        headers: { "content-encoding": "gzip" },
      },
      Code.InvalidArgument,
    ],
  ])("%s: is told so, and the log does not blame the service", async (_name, call, code) => {
    const api = await serveApi();
    expect(await api.send(call)).toMatchObject({ code, reason: "PROTOCOL_ERROR" });
    expect(api.log.map(({ level }) => level)).toEqual(["info"]);
  });
});
