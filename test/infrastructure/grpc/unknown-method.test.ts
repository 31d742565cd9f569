import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { serveGrpc } from "../../support/echo-server.ts";
import { errorReasons } from "../../support/grpc-js-client.ts";
import { frame, RawHttp2 } from "../../support/raw-http2.ts";

const message = frame(new Uint8Array());

/** The path of Say in all the ways that are not quite it, and some that are no path at all. */
const paths = [
  "/echo.v1.EchoService/Shout",
  "/echo.v1.OtherService/Say",
  "/echo.v1.EchoService/Say/",
  "/echo.v1.EchoService/say",
  "/Echo.v1.EchoService/Say",
  "//echo.v1.EchoService/Say",
  "/echo.v1.EchoService//Say",
  "/echo.v1.EchoService/%53ay",
  "/echo.v1.EchoService/Say?x=1",
  "/echo.v1.EchoService/Say#x",
  "/echo.v1.EchoService/../echo.v1.EchoService/Say",
  "/",
  "//",
  "/%",
  "/%00",
  "/__proto__",
  "/constructor",
  "/echo.v1.EchoService/Säy",
  "/echo.v1.EchoService/\u00ff\u00fe",
  `/${"x".repeat(20_000)}`,
];

describe("a path that is no method's", () => {
  it.each(paths)("is answered with details, and the next call is served: %s", async (path) => {
    let called = false;
    const { address } = await serveGrpc({
      say({ text }) {
        called = true;
        return { text };
      },
    });
    const raw = new RawHttp2(`http://${address}`);
    const { headers, trailers } = await raw.request({ ":path": path }, [message]);
    expect(headers[":status"]).toBe(200);
    expect(trailers["grpc-status"]).toBe(String(status.UNIMPLEMENTED));
    expect(errorReasons(trailers["grpc-status-details-bin"])).toEqual(["METHOD_NOT_FOUND"]);
    expect(called).toBe(false);
    expect((await raw.say("next")).trailers["grpc-status"]).toBe("0");
  });

  it.each(["echo.v1.EchoService/Say", "http://localhost/echo.v1.EchoService/Say", "*"])(
    "is refused by HTTP/2 where it is no path, and the next call is served: %s",
    async (path) => {
      const raw = new RawHttp2(`http://${(await serveGrpc()).address}`);
      expect((await raw.request({ ":path": path }, [message])).headers).toEqual({});
      expect((await raw.say("next")).trailers["grpc-status"]).toBe("0");
    },
  );

  it("is answered without the request's end", async () => {
    const raw = new RawHttp2(`http://${(await serveGrpc()).address}`);
    const { trailers } = await raw.request({ ":path": "/no/such" }, [], { end: false });
    expect(trailers["grpc-status"]).toBe(String(status.UNIMPLEMENTED));
  });
});

it("serves on after requests that are no gRPC", async () => {
  const raw = new RawHttp2(`http://${(await serveGrpc()).address}`);
  const { headers } = await raw.request({ ":path": "/", "content-type": "text/html" }, []);
  expect(headers[":status"]).toBe(415);
  await raw.request({ ":path": "/echo.v1.EchoService/Say", ":method": "GET" }, []);
  const tunnel = raw.session.request({ ":method": "CONNECT", ":authority": "localhost:1" });
  tunnel.on("error", () => {});
  await new Promise((resolve) => tunnel.once("close", resolve).resume().end());
  expect((await raw.say("next")).trailers["grpc-status"]).toBe("0");
});

describe("an authority that is none", () => {
  it.each([
    "localhost:99999",
    "a|b",
    "",
    "[::1",
    "a b",
    "@@",
    "user:secret@host",
    "%",
    "bär",
    "x".repeat(10_000),
  ])("does not end the process, and the next call is served: %s", async (authority) => {
    let url = "";
    const { address } = await serveGrpc({
      say({ text }, context) {
        url = context.url;
        return { text };
      },
    });
    const raw = new RawHttp2(`http://${address}`);
    await raw.say("odd", { ":authority": authority }).catch(() => {});
    expect(url === "" || URL.canParse(url)).toBe(true);
    const { trailers } = await new RawHttp2(`http://${address}`).say("next");
    expect(trailers["grpc-status"]).toBe("0");
    expect(url).toBe(`http://${address}/echo.v1.EchoService/Say`);
  });
});
