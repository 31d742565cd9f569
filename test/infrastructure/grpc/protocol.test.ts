import { once } from "node:events";
import { deflateSync, gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { describe, expect, it, test } from "vitest";
import { createHealth } from "../../../src/infrastructure/grpc/health.ts";
import { UnreadBytes } from "../../../src/infrastructure/sockets/unread-bytes.ts";
import { SayRequestSchema } from "../../gen/echo/v1/echo_service_pb.ts";
import { serveGrpc } from "../../support/echo-server.ts";
import { frame, RawHttp2 } from "../../support/raw-http2.ts";

// What a gRPC request must be (PROTOCOL-HTTP2), with requests that no gRPC library would send.

const message = toBinary(SayRequestSchema, create(SayRequestSchema, { text: "one" }));
const whole = frame(message);
/** Methods of every kind, and those that grpc-js serves: what each gets is one message as it should be. */
const methods = {
  unary: { path: "/echo.v1.EchoService/Say", first: whole },
  "server streaming": { path: "/echo.v1.EchoService/Repeat", first: whole },
  "client streaming": { path: "/echo.v1.EchoService/Join", first: whole },
  "bidirectional streaming": { path: "/echo.v1.EchoService/Talk", first: whole },
  health: { path: "/grpc.health.v1.Health/Check", first: frame(new Uint8Array()) },
  reflection: {
    path: "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    // list_services
    first: frame(Uint8Array.of(0x3a, 0)),
  },
};

async function served(texts: string[] = []): Promise<RawHttp2> {
  const health = createHealth(["echo.v1.EchoService"]);
  health.setLive(true);
  const { address } = await serveGrpc(
    {
      say({ text }) {
        texts.push(text);
        return { text };
      },
    },
    { health, reflection: {} },
  );
  return new RawHttp2(`http://${address}`);
}

function flagged(flags: number): Buffer {
  const framed = Buffer.from(whole);
  framed.writeUInt8(flags, 0);
  return framed;
}

describe.each(Object.entries(methods))("a request of kind %s", (_kind, { path, first }) => {
  it.each([
    ["inside the length of a second message", Buffer.from([0, 0])],
    ["behind the flag of a second message", Buffer.from([0])],
    ["before the body of a second message", Buffer.from([0, 0, 0, 0, 9])],
    ["inside the body of a second message", frame(Buffer.alloc(100)).subarray(0, 50)],
  ])("that ends %s is INTERNAL", async (_name, rest) => {
    const raw = await served();
    const { trailers } = await raw.request({ ":path": path }, [first, rest]);
    expect(trailers["grpc-status"]).toBe(String(status.INTERNAL));
    expect(trailers["grpc-message"]).toBe("the request ends in the middle of a message");
    expect((await raw.say("still here")).trailers["grpc-status"]).toBe("0");
  });

  it.each([1, 2, 4, 8, 16, 32, 64, 100])(
    "that ends %i bytes into its only message is INTERNAL",
    async (count) => {
      const { trailers } = await (await served()).request({ ":path": path }, [
        frame(Buffer.alloc(200)).subarray(0, count),
      ]);
      expect(trailers["grpc-status"]).toBe(String(status.INTERNAL));
    },
  );

  it.each([2, 3, 127, 128, 254, 255])("with message flags %i is INTERNAL", async (flags) => {
    const { trailers } = await (await served()).request({ ":path": path }, [flagged(flags)]);
    expect(trailers["grpc-status"]).toBe(String(status.INTERNAL));
    expect(trailers["grpc-message"]).toContain("flags");
  });

  it.each([{}, { "grpc-encoding": "identity" }])(
    "that says it is compressed, but not how, is INTERNAL: %j",
    async (headers) => {
      const { trailers } = await (await served()).request({ ":path": path, ...headers }, [flagged(1)]);
      expect(trailers["grpc-status"]).toBe(String(status.INTERNAL));
      expect(trailers["grpc-message"]).toContain("grpc-encoding");
    },
  );

  it.each(["br", "zstd", "snappy", "GZIP", "gzip,gzip", "gzip, deflate", "", "x-gzip"])(
    "with grpc-encoding %j is UNIMPLEMENTED, compressed or not",
    async (encoding) => {
      const raw = await served();
      for (const body of [first, flagged(1)]) {
        const { trailers } = await raw.request({ ":path": path, "grpc-encoding": encoding }, [body]);
        expect(trailers["grpc-status"]).toBe(String(status.UNIMPLEMENTED));
        expect(trailers["grpc-accept-encoding"]).toBe("identity,deflate,gzip");
      }
    },
  );

  it.each(["GET", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"])("made by %s is refused", async (method) => {
    const { headers } = await (await served()).request({ ":path": path, ":method": method }, [first]);
    expect(headers[":status"]).toBe(405);
  });

  it.each([
    "application/grpc+json",
    "application/grpcfoo",
    "application/grpc+",
    "application/grpc+protobuf",
    "application/grpc-web",
    "application/grpc proto",
    "xapplication/grpc",
    "application/json",
    "",
  ])("with content-type %j is refused", async (type) => {
    const { headers } = await (await served()).request({ ":path": path, "content-type": type }, [first]);
    expect(headers[":status"]).toBe(415);
    expect(headers["grpc-message"]).toContain("content-type");
  });

  it.each([
    "application/grpc",
    "application/grpc+proto",
    "Application/GRPC",
    "application/grpc; charset=utf-8",
    "application/grpc+proto;x=1",
  ])("with content-type %j is served", async (type) => {
    const { trailers } = await (await served()).request({ ":path": path, "content-type": type }, [first]);
    expect(trailers["grpc-status"]).toBe("0");
    expect(trailers["grpc-message"]).toBeUndefined();
  });
});

test("a client stream that is cut off takes no effect", async () => {
  const joined: string[] = [];
  const { address } = await serveGrpc({
    async join(requests) {
      for await (const { text } of requests) joined.push(text);
      joined.push("whole");
      return { text: "" };
    },
  });
  const raw = new RawHttp2(`http://${address}`);
  const { trailers } = await raw.request({ ":path": methods["client streaming"].path }, [
    whole,
    whole.subarray(0, whole.length - 1),
  ]);
  expect(trailers["grpc-status"]).toBe(String(status.INTERNAL));
  expect(joined).toEqual(["one"]);
});

test.each([
  ["one byte at a time", 1],
  ["seven bytes at a time", 7],
  ["all at once", 100_000],
])("messages arrive %s", async (_name, size) => {
  const raw = await served();
  const bytes = Buffer.concat([whole, frame(message), frame(new Uint8Array()), frame(Buffer.from(message))]);
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  );
  const { body, trailers } = await raw.request({ ":path": methods["client streaming"].path }, pieces);
  expect(trailers["grpc-status"]).toBe("0");
  expect(body.toString("utf8")).toContain("oneoneone");
});

test.each([
  ["gzip", gzipSync(message)],
  ["deflate", deflateSync(message)],
])("a message may be compressed or not when grpc-encoding is %s", async (encoding, compressed) => {
  const raw = await served();
  const bytes = Buffer.concat([frame(compressed, true), whole, frame(compressed, true)]);
  const { body } = await raw.request(
    { ":path": methods["client streaming"].path, "grpc-encoding": encoding },
    [bytes],
  );
  expect(body.toString("utf8")).toContain("oneoneone");
});

test("binary trailers are base64 without padding, and a success has no grpc-message", async () => {
  const { address } = await serveGrpc({
    say(_, { responseHeader, responseTrailer }) {
      responseHeader.set("x-one-bin", "/w");
      responseTrailer.set("x-two-bin", "/w==");
      return { text: "" };
    },
  });
  const { headers, trailers } = await new RawHttp2(`http://${address}`).say("x");
  expect(headers["x-one-bin"]).toBe("/w");
  expect(trailers).toMatchObject({ "grpc-status": "0", "x-two-bin": "/w" });
  expect(trailers["grpc-message"]).toBeUndefined();
});

describe("unread bytes", () => {
  const half = Buffer.concat([Buffer.from([0, 0, 0x10, 0, 0]), Buffer.alloc(40_000)]);
  const path = methods.unary.path;

  async function heldBy(raw: RawHttp2, streams: number): Promise<(string | undefined)[]> {
    const statuses: (string | undefined)[] = [];
    for (let i = 0; i < streams; i++) {
      const stream = raw.session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
      });
      stream.on("error", () => {});
      stream.on("response", (headers) => statuses.push(String(headers["grpc-status"])));
      stream.write(half);
    }
    // The answers come in any order with that to a ping, which is behind the requests.
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => raw.session.ping(resolve));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return statuses;
  }

  it("are bounded per connection; other connections are served", async () => {
    const unread = new UnreadBytes({ perConnection: 500_000, perProcess: 100_000_000 });
    const { address } = await serveGrpc({}, { unread });
    const [greedy, other] = [new RawHttp2(`http://${address}`), new RawHttp2(`http://${address}`)];
    const statuses = await heldBy(greedy, 30);
    expect(statuses.length).toBeGreaterThan(15);
    expect(new Set(statuses)).toEqual(new Set([String(status.RESOURCE_EXHAUSTED)]));
    expect(await heldBy(other, 3)).toEqual([]);
    // A message that comes as a whole takes nothing.
    expect((await greedy.say("x")).trailers["grpc-status"]).toBe("0");
  });

  it("are bounded per process, and given back when a connection ends", async () => {
    const unread = new UnreadBytes({ perConnection: 500_000, perProcess: 500_000 });
    const { address } = await serveGrpc({}, { unread });
    const greedy = new RawHttp2(`http://${address}`);
    await heldBy(greedy, 30);
    expect((await heldBy(new RawHttp2(`http://${address}`), 3)).length).toBe(3);
    greedy.session.destroy();
    await once(greedy.session, "close");
    expect(await heldBy(new RawHttp2(`http://${address}`), 3)).toEqual([]);
  });
});

test("nothing is read of a call that is not admitted, and its stream is reset", async () => {
  const { address } = await serveGrpc({}, { admit: async () => false });
  const { session } = new RawHttp2(`http://${address}`);
  for (const path of Object.values(methods)
    .slice(0, 4)
    .map((each) => each.path)) {
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.on("error", () => {});
    const [headers] = await once(stream, "response");
    expect(headers["grpc-status"]).toBe(String(status.PERMISSION_DENIED));
    if (!stream.closed) await once(stream.resume(), "close");
    expect(stream.rstCode).toBe(0);
  }
});

test("a connection that cancels too many calls is closed and named, unless it may", async () => {
  const floods: string[] = [];
  for (const mayReset of [false, true]) {
    const { address } = await serveGrpc(
      { say: () => new Promise(() => {}) },
      {
        options: { resetsPerSecond: 20 },
        mayReset: () => mayReset,
        onClose: ({ peer, reason }) => floods.push(`${peer}: ${reason}`),
      },
    );
    const { session } = new RawHttp2(`http://${address}`);
    await once(session, "connect");
    // Half of them once they are served, half of them before.
    for (let i = 0; i < 100; i++) {
      const stream = session.request({
        ":method": "POST",
        ":path": methods.unary.path,
        "content-type": "application/grpc",
        te: "trailers",
      });
      stream.on("error", () => {});
      stream.write(whole);
      if (i % 2 === 0) setTimeout(() => stream.close(8), 30);
      else stream.close(8);
    }
    if (mayReset) await new Promise((resolve) => setTimeout(resolve, 400));
    else await once(session, "close");
    expect(session.destroyed).toBe(!mayReset);
    expect(floods).toEqual(["127.0.0.1: too many cancelled calls"]);
  }
});
