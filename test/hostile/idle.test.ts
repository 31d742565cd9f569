import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { serveGrpc } from "../support/echo-server.ts";
import { preface, settingsFrame } from "../support/http2-frames.ts";
import { RawHttp2 } from "../support/raw-http2.ts";

const ways: [string, Uint8Array][] = [
  ["nothing", new Uint8Array()],
  ["half of a preface", preface.subarray(0, 10)],
  ["nothing after its settings", Buffer.concat([preface, settingsFrame()])],
];

/** With shorter times than the service has, which are too long for every run of the tests: 60 s and 20 s. */
describe.each(ways)("300 connections of a caller who says %s", (_what, bytes) => {
  it("are closed for want of an answer to a ping", async () => {
    const { address } = await serveGrpc({}, { options: { keepaliveTimeMs: 500, keepaliveTimeoutMs: 500 } });
    const [host = "", port] = address.split(":");
    const closed = Array.from({ length: 300 }, () => {
      const socket = connect(Number(port), host).on("error", () => {});
      socket.write(bytes);
      return new Promise((resolve) => socket.resume().on("close", resolve));
    });
    const startedAt = performance.now();
    await Promise.all(closed);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect((await new RawHttp2(`http://${address}`).say("still here")).trailers["grpc-status"]).toBe("0");
  });
});
