import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it, onTestFinished } from "vitest";
import { SayRequestSchema } from "../../gen/echo/v1/echo_service_pb.ts";
import { serveHttp } from "../../support/echo-server.ts";
import { timed } from "../../support/wait.ts";

// A call that was answered before the end of its body left the connection paused: the next request on it hung for 20 s
// and got 408.

const KIBIBYTE = 1024;
const message = Buffer.from(toBinary(SayRequestSchema, create(SayRequestSchema, { text: "x" })));
const notAMessage = Buffer.of(0xff);

function envelope(bytes: Uint8Array, length = bytes.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, bytes]);
}

interface Early {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly type?: string;
  readonly encoding?: string;
  /** The beginning of the body, upon which the call is answered. */
  readonly first: Buffer;
}

/** Calls that are answered before the end of their bodies. */
const early: Record<string, Early> = {
  "an invalid message in gRPC-Web": {
    path: "/echo.v1.EchoService/Repeat",
    type: "application/grpc-web+proto",
    first: envelope(notAMessage),
  },
  "an invalid message in JSON in gRPC-Web": {
    type: "application/grpc-web+json",
    first: envelope(Buffer.from("{")),
  },
  "too large a message in gRPC-Web": {
    type: "application/grpc-web+proto",
    first: envelope(notAMessage, 2 * KIBIBYTE * KIBIBYTE),
  },
  "more than one message in gRPC-Web": {
    type: "application/grpc-web+proto",
    first: Buffer.concat([envelope(message), envelope(message)]),
  },
  "unknown flags in gRPC-Web": { type: "application/grpc-web+proto", first: Buffer.of(0x40) },
  "an invalid message in a Connect stream in JSON": {
    path: "/echo.v1.EchoService/Join",
    type: "application/connect+json",
    first: envelope(Buffer.from("{")),
  },
  "an invalid message in a Connect stream": {
    path: "/echo.v1.EchoService/Join",
    type: "application/connect+proto",
    first: envelope(notAMessage),
  },
  "a handler that stops reading": {
    path: "/echo.v1.EchoService/Join",
    type: "application/connect+proto",
    first: envelope(message),
  },
  "a method with streams both ways": {
    path: "/echo.v1.EchoService/Talk",
    type: "application/connect+proto",
    first: envelope(message),
  },
  "an unknown compression": { type: "application/proto", encoding: "lzma", first: message },
  "a content type that is not served": { type: "application/xml", first: message },
  "an HTTP method that is not served": { method: "PUT", type: "application/proto", first: message },
  "a path that does not exist": { path: "/nowhere", type: "application/proto", first: message },
  "a probe with a body": { path: "/livez", type: "application/proto", first: message },
  "a host that is not one": { host: "a|b", type: "application/proto", first: message },
};

/** How the rest of the body comes. */
const rests: Record<string, { readonly bytes: number; readonly chunked: boolean; readonly laterMs: number }> =
  {
    "200 KB at once": { bytes: 200 * KIBIBYTE, chunked: false, laterMs: 0 },
    "200 KB at once, in chunks": { bytes: 200 * KIBIBYTE, chunked: true, laterMs: 0 },
    "a little, in chunks, after the answer": { bytes: 10, chunked: true, laterMs: 100 },
    "10 KB long after the answer": { bytes: 10 * KIBIBYTE, chunked: false, laterMs: 700 },
    "3 MB at once": { bytes: 3 * KIBIBYTE * KIBIBYTE, chunked: false, laterMs: 0 },
    "3 MB at once, in chunks": { bytes: 3 * KIBIBYTE * KIBIBYTE, chunked: true, laterMs: 0 },
  };

const nextRequest =
  "POST /echo.v1.EchoService/Say HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n";
const nextBody = '{"text":"next"}';

/** A connection that takes note of what it receives. */
class Connection {
  readonly socket: Socket;
  received = "";
  ended = false;

  constructor(address: string) {
    const at = address.lastIndexOf(":");
    this.socket = connect(Number(address.slice(at + 1)), address.slice(0, at));
    this.socket.setEncoding("latin1");
    this.socket.on("data", (text) => {
      this.received += text;
    });
    this.socket.on("error", () => {});
    this.socket.on("end", () => {
      this.ended = true;
    });
    this.socket.on("close", () => {
      this.ended = true;
    });
    onTestFinished(() => void this.socket.destroy());
  }

  async until(condition: () => boolean, ms: number): Promise<boolean> {
    for (const endsAt = performance.now() + ms; !condition() && performance.now() < endsAt; ) await sleep(5);
    return condition();
  }
}

/** A first handler that stops after one message, and one that echoes. */
const handlers = {
  async join(requests: AsyncIterable<{ text: string }>) {
    for await (const { text } of requests) return { text };
    return { text: "" };
  },
};

async function sendEarly(address: string, call: Early, rest: (typeof rests)[string]): Promise<Connection> {
  const connection = new Connection(address);
  const { socket } = connection;
  const { method = "POST", path = "/echo.v1.EchoService/Say", host = "x", type = "", encoding, first } = call;
  const length = rest.chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${first.length + rest.bytes}`;
  const compression = encoding === undefined ? "" : `Content-Encoding: ${encoding}\r\n`;
  socket.write(
    `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${type}\r\n${compression}${length}\r\n\r\n`,
  );
  const write = (bytes: Buffer) => {
    if (rest.chunked) socket.write(`${bytes.length.toString(16)}\r\n`);
    socket.write(bytes);
    if (rest.chunked) socket.write("\r\n");
  };
  write(first);
  await sleep(rest.laterMs);
  if (!socket.writable) return connection;
  write(Buffer.alloc(rest.bytes));
  if (rest.chunked) socket.write("0\r\n\r\n");
  return connection;
}

describe.each(Object.entries(early))("a call that is answered before its end: %s", (_name, call) => {
  it.each(Object.entries(rests))("and then %s", async (_rest, rest) => {
    const { address } = await serveHttp(handlers);
    const connection = await sendEarly(address, call, rest);
    expect(await connection.until(() => connection.received.includes("\r\n\r\n"), 3_000)).toBe(true);
    const isClosed = /\r\nconnection: close\r\n/i.test(connection.received);
    if (isClosed) {
      expect(await connection.until(() => connection.ended, 3_000)).toBe(true);
      return;
    }
    const { result, ms } = await timed(() => {
      connection.socket.write(`${nextRequest}${nextBody}`);
      return connection.until(() => connection.received.includes(nextBody), 5_000);
    });
    expect(result).toBe(true);
    expect(ms).toBeLessThan(3_000);
    expect(connection.received).not.toContain("408");
  });
});

it("a body without an end holds neither the answer nor the connection", async () => {
  const { address } = await serveHttp(handlers);
  const connection = new Connection(address);
  const { socket } = connection;
  socket.write("POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const timer = setInterval(() => socket.write("1\r\nx\r\n"), 20);
  onTestFinished(() => clearInterval(timer));
  expect(await connection.until(() => connection.received.includes("404 Not Found"), 3_000)).toBe(true);
  expect(connection.received).toMatch(/\r\nconnection: close\r\n/i);
  expect(await connection.until(() => connection.ended, 3_000)).toBe(true);
});

it("an answer to a caller that sends on arrives whole", async () => {
  const { address } = await serveHttp(handlers);
  for (let i = 0; i < 20; i++) {
    const rest = { bytes: 8 * KIBIBYTE * KIBIBYTE, chunked: true, laterMs: 0 };
    const connection = await sendEarly(address, { path: "/nowhere", first: message }, rest);
    await connection.until(() => connection.ended, 3_000);
    expect(connection.received).toContain('{"code":"unimplemented"');
  }
});
