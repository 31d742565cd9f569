import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { readRequestHead } from "../../../src/infrastructure/http/request-head.ts";
import { EchoService } from "../../gen/echo/v1/echo_service_pb.ts";
import { serveHttp } from "../../support/echo-server.ts";
import { enveloped } from "../../support/served-api.ts";
import { never, timed } from "../../support/wait.ts";

// `Application/grpc-web+proto` was not recognised when the longest deadline was set, and was served nevertheless: a watch
// ran without an end.

const grpcWebTypes = [
  "application/grpc-web",
  "application/grpc-web+proto",
  "application/grpc-web+json",
  "Application/grpc-web+proto",
  "APPLICATION/GRPC-WEB+PROTO",
  "application/grpc-web+JSON",
  "application/grpc-web+json; charset=utf-8",
  "application/grpc-web+json;charset=UTF8",
];

const connectTypes = [
  "application/connect+proto",
  "application/connect+json",
  "Application/Connect+Proto",
  "APPLICATION/CONNECT+JSON",
  "application/connect+json; charset=utf-8",
];

const notServed = [
  "application/grpc-web-text",
  "application/grpc-web-text+proto",
  "application/grpc-web+xml",
  "application/grpc-webfoo",
  "application/grpc-web+proto; a=b",
  " application/grpc-web",
  "application/grpc",
  "application/grpc+proto",
  "application/connectproto",
  "application/connect+proto;a=b",
  "application/json",
  "application/proto",
  "text/plain",
  "",
];

const timeouts: [header: string, value: string | undefined, type: string][] = [
  ["grpc-timeout", undefined, "application/grpc-web"],
  ["grpc-timeout", "99999999H", "application/grpc-web"],
  ["grpc-timeout", "4294967S", "application/grpc-web"],
  ["grpc-timeout", "1H", "application/grpc-web"],
  ["connect-timeout-ms", "9999999999", "application/connect+proto"],
  ["connect-timeout-ms", undefined, "application/connect+proto"],
  // Of the other protocol: it means nothing.
  ["connect-timeout-ms", "1", "application/grpc-web"],
  ["grpc-timeout", "1m", "application/connect+proto"],
];

describe("the longest deadline", () => {
  /** Calls Repeat, whose handler never ends. Answers how long that took, or undefined if it was still running. */
  async function run(type: string, headers: Record<string, string> = {}): Promise<number | undefined> {
    const { address } = await serveHttp(
      {
        async *repeat() {
          yield await never<{ text: string }>();
        },
      },
      { options: { maxTimeoutMs: 300, maxStreamMs: 300 } },
    );
    const body = enveloped(type.toLowerCase().includes("json") ? Buffer.from("{}") : Buffer.alloc(0));
    const ended = fetch(`http://${address}/echo.v1.EchoService/Repeat`, {
      method: "POST",
      headers: { "content-type": type, ...headers },
      body: Uint8Array.from(body),
    }).then((answer) => answer.text());
    const { result, ms } = await timed(() => Promise.race([ended, sleep(3_000)]));
    return result === undefined ? undefined : ms;
  }

  it.each([...grpcWebTypes, ...connectTypes])("holds for %s", async (type) => {
    expect(await run(type)).toBeLessThan(2_000);
  });

  it.each(timeouts)("holds with %s: %s as %s", async (name, value, type) => {
    expect(await run(type, value === undefined ? {} : { [name]: value })).toBeLessThan(2_000);
  });

  it("is not for a caller to lengthen by a second header", async () => {
    const { address } = await serveHttp(
      { say: () => never() },
      { options: { maxTimeoutMs: 300, maxStreamMs: 300 } },
    );
    const at = address.lastIndexOf(":");
    const socket = connect(Number(address.slice(at + 1)), address.slice(0, at));
    onTestFinished(() => void socket.destroy());
    socket.write("POST /echo.v1.EchoService/Say HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n");
    socket.write("Connect-Timeout-Ms: 10\r\nConnect-Timeout-Ms: 9999999\r\nContent-Length: 2\r\n\r\n{}");
    const answer = await new Promise<string>((resolve) =>
      socket.once("data", (data) => resolve(String(data))),
    );
    expect(answer).toContain("400 Bad Request");
  });
});

describe("the head of a request", () => {
  const read = (type: string, method: string, maxTimeoutMs = 1_000) => {
    const header = new Headers();
    if (type !== "") header.set("content-type", type);
    const request = { method, url: "http://x/echo.v1.EchoService/Repeat", header };
    return { head: readRequestHead(request, EchoService.method.repeat, maxTimeoutMs), header };
  };

  it.each(grpcWebTypes)("is gRPC-Web's: %s", (type) => {
    const isBinary = !type.toLowerCase().includes("json");
    expect(read(type, "POST").head).toMatchObject({ framing: "grpc-web-envelopes", isBinary });
  });

  it.each(connectTypes)("is Connect's: %s", (type) => {
    const isBinary = !type.toLowerCase().includes("json");
    expect(read(type, "POST").head).toMatchObject({ framing: "connect-envelopes", isBinary });
  });

  it.each(notServed)("is nobody's, and Connect answers 415: %j", async (type) => {
    const isTrimmed = type.trim() === "application/grpc-web";
    expect(read(type, "POST").head === undefined).toBe(!isTrimmed);
    if (isTrimmed) return;
    const { address } = await serveHttp();
    const headers = type === "" ? {} : { "content-type": type };
    const url = `http://${address}/echo.v1.EchoService/Repeat`;
    const answer = await fetch(url, { method: "POST", headers, body: Uint8Array.of(0, 0, 0, 0, 0) });
    expect(answer.status).toBe(415);
  });

  it.each(["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "post"])("with %s is not a call", async (method) => {
    expect(read("application/grpc-web", method).head).toBeUndefined();
  });

  it("keeps a deadline of more than eight digits of milliseconds in eight digits", () => {
    const { header } = read("application/grpc-web", "POST", 2 ** 31 - 1);
    expect(header.get("grpc-timeout")).toBe("2147484S");
  });

  it.each(["", "1", "H", "123456789S", "-1S", "1.5S", " 1S x", "1s"])(
    "with the grpc-timeout %j has a fault, and a deadline all the same",
    (value) => {
      const header = new Headers({ "content-type": "application/grpc-web", "grpc-timeout": value });
      const request = { method: "POST", url: "http://x/", header };
      const head = readRequestHead(request, EchoService.method.repeat, 1_000);
      expect(head?.fault?.rawMessage).toBe("grpc-timeout: malformed");
      expect(header.get("grpc-timeout")).toBe("1000m");
    },
  );
});
