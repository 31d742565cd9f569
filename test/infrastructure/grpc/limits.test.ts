import { once } from "node:events";
import { constants } from "node:http2";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { compressionAlgorithms, credentials, status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { GrpcServerOptions } from "../../../src/infrastructure/grpc/listen-grpc.ts";
import { SayRequestSchema } from "../../gen/echo/v1/echo_service_pb.ts";
import { serveGrpc } from "../../support/echo-server.ts";
import { GrpcJsClient } from "../../support/grpc-js-client.ts";
import { frame, grpcHeaders, RawHttp2 } from "../../support/raw-http2.ts";

const MEBIBYTE = 1024 * 1024;
const say = { ":path": "/echo.v1.EchoService/Say" };

function messageOf(size: number): Uint8Array {
  // One byte of tag and three of length.
  return toBinary(SayRequestSchema, create(SayRequestSchema, { text: "x".repeat(size - 4) }));
}

describe("a request message", () => {
  it("may have one mebibyte and not a byte more", async () => {
    const raw = new RawHttp2(`http://${(await serveGrpc()).address}`);
    const fits = await raw.request(say, [frame(messageOf(MEBIBYTE))]);
    expect(fits.trailers["grpc-status"]).toBe("0");
    const tooLarge = await raw.request(say, [frame(messageOf(MEBIBYTE + 1))]);
    expect(tooLarge.trailers["grpc-status"]).toBe(String(status.RESOURCE_EXHAUSTED));
    expect((await raw.say("still here")).trailers["grpc-status"]).toBe("0");
  });

  it("may be as large as the options say", async () => {
    const { address } = await serveGrpc({}, { options: { maxMessageBytes: 100 } });
    const client = new GrpcJsClient(address);
    expect((await client.say("x".repeat(90))).status.code).toBe(status.OK);
    expect((await client.say("x".repeat(110))).status.code).toBe(status.RESOURCE_EXHAUSTED);
  });

  it("is refused by the length it claims, before it has come", async () => {
    const raw = new RawHttp2(`http://${(await serveGrpc()).address}`);
    const claim = Buffer.from([0, 0xff, 0xff, 0xff, 0xff]);
    const { trailers } = await raw.request(say, [claim], { end: false });
    expect(trailers["grpc-status"]).toBe(String(status.RESOURCE_EXHAUSTED));
  });

  it.each([compressionAlgorithms.gzip, compressionAlgorithms.deflate])(
    "may be compressed: %s",
    async (algorithm) => {
      const { address } = await serveGrpc();
      const options = { "grpc.default_compression_algorithm": algorithm };
      const client = new GrpcJsClient(address, credentials.createInsecure(), options);
      const text = "again and ".repeat(1_000);
      expect((await client.say(text)).texts).toEqual([text]);
      expect((await client.call("join", [{ text }, { text: "again" }])).texts).toEqual([`${text}again`]);
    },
  );

  it("may not be larger once inflated: a bomb is stopped at the limit", async () => {
    const raw = new RawHttp2(`http://${(await serveGrpc()).address}`);
    const bomb = gzipSync(Buffer.alloc(512 * MEBIBYTE));
    expect(bomb.length).toBeLessThan(MEBIBYTE);
    const before = process.memoryUsage().rss;
    const { trailers } = await raw.request({ ...say, "grpc-encoding": "gzip" }, [frame(bomb, true)]);
    expect(trailers["grpc-status"]).toBe(String(status.RESOURCE_EXHAUSTED));
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * MEBIBYTE);
    expect((await raw.say("still here")).trailers["grpc-status"]).toBe("0");
  });

  it.each([
    ["is no gzip", { "grpc-encoding": "gzip" }, frame(Buffer.from("no gzip"), true)],
    ["has an unknown compression", { "grpc-encoding": "br" }, frame(Buffer.from("x"), true)],
    ["says it is compressed and not how", {}, frame(Buffer.from("x"), true)],
    ["is cut off", {}, frame(messageOf(100)).subarray(0, 50)],
    ["is cut off in its length", {}, Buffer.from([0, 0, 0])],
  ])("that %s fails, and its connection lives on", async (_name, headers, bytes) => {
    const raw = new RawHttp2(`http://${(await serveGrpc()).address}`);
    const { trailers } = await raw.request({ ...say, ...headers }, [bytes]);
    expect(Number(trailers["grpc-status"])).toBeGreaterThan(0);
    expect((await raw.say("still here")).trailers["grpc-status"]).toBe("0");
  });
});

it("takes very many calls at once on one connection", async () => {
  const client = new GrpcJsClient((await serveGrpc()).address);
  const outcomes = await Promise.all(Array.from({ length: 2_000 }, (_, i) => client.say(String(i))));
  expect(outcomes.map((outcome) => outcome.texts[0])).toEqual(outcomes.map((_, i) => String(i)));
});

it("ends a connection that has lived long enough, without failing its calls", async () => {
  const { address } = await serveGrpc(
    { say: ({ text }) => new Promise((resolve) => setTimeout(resolve, 150, { text })) },
    { options: { maxConnectionAgeMs: 100, maxConnectionAgeGraceMs: 1_000 } },
  );
  const raw = new RawHttp2(`http://${address}`);
  const goaway = new Promise((resolve) => raw.session.once("goaway", resolve));
  const closed = new Promise((resolve) => raw.session.once("close", resolve));
  expect((await raw.say("x")).trailers["grpc-status"]).toBe("0");
  expect(await goaway).toBe(0);
  await closed;
});

describe("a caller that cancels very often", () => {
  /** Opens and cancels calls, and says whether the connection has lived through it. */
  async function cancelled(calls: number, options: Partial<GrpcServerOptions>): Promise<boolean> {
    const { address } = await serveGrpc({}, { options });
    const { session } = new RawHttp2(`http://${address}`);
    await once(session, "connect");
    for (let i = 0; i < calls; i++) {
      const stream = session.request({ ...grpcHeaders, ":path": "/echo.v1.EchoService/Join" });
      stream.on("error", () => {});
      stream.close(constants.NGHTTP2_CANCEL);
    }
    await sleep(300);
    return !session.destroyed;
  }

  it("loses its connection", async () => {
    expect(await cancelled(100, { resetsPerSecond: 20 })).toBe(false);
  });

  it("keeps it where the options allow that much", async () => {
    expect(await cancelled(100, { resetsPerSecond: 1_000 })).toBe(true);
  });
});

it("never prints the headers it cannot read", async () => {
  const print = vi.spyOn(console, "error");
  onTestFinished(() => print.mockRestore());
  const raw = new RawHttp2(`http://${(await serveGrpc()).address}`);
  const { trailers } = await raw.say("x", { authorization: "Bearer s\u00e9cret", "x-other": "\u00ff" });
  expect(trailers["grpc-status"]).toBe("0");
  expect(print).not.toHaveBeenCalled();
});

it("closes a connection that does not answer pings", async () => {
  const { address } = await serveGrpc({}, { options: { keepaliveTimeMs: 50, keepaliveTimeoutMs: 50 } });
  const [host, port] = address.split(":");
  const socket = connect(Number(port), host);
  const settings = Buffer.of(0, 0, 0, 4, 0, 0, 0, 0, 0);
  socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), settings]));
  await once(socket.resume(), "close");
});
