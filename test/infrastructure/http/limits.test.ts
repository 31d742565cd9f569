import { setTimeout as sleep } from "node:timers/promises";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { defaultHttpServerOptions } from "../../../src/infrastructure/http/listen-http.ts";
import { echo, serveHttp } from "../../support/echo-server.ts";
import { RawTcp } from "../../support/raw-tcp.ts";
import { timed } from "../../support/wait.ts";

const MEBIBYTE = 1024 * 1024;
const json = { "content-type": "application/json" };

function post(address: string, body: string | Buffer, headers: Record<string, string> = {}) {
  return fetch(`http://${address}/echo.v1.EchoService/Say`, {
    method: "POST",
    body,
    headers: { ...json, ...headers },
  });
}

describe("a host that is none", () => {
  it.each(["a|b", "localhost:99999", "[::1", "a b", "%", "", "x".repeat(5_000)])(
    "does not end the process, and the next request is served: %s",
    async (host) => {
      const { address } = await serveHttp();
      for (const path of ["/echo.v1.EchoService/Say", "/livez", "/other"]) {
        const raw = new RawTcp(address);
        raw.write(`POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n`);
        raw.write("Connection: close\r\nContent-Length: 2\r\n\r\n{}");
        const answer = await raw.closed();
        expect(answer).toMatch(/^HTTP\/1.1 (200|400|404|405) /);
      }
      expect(await (await post(address, '{"text":"next"}')).json()).toEqual({ text: "next" });
    },
  );

  it("is answered as an error of the caller", async () => {
    const raw = new RawTcp((await serveHttp()).address);
    raw.write("POST /echo.v1.EchoService/Say HTTP/1.1\r\nHost: a|b\r\nContent-Length: 0\r\n");
    raw.write("Content-Type: application/json\r\nConnection: close\r\n\r\n");
    const answer = await raw.closed();
    expect(answer).toContain("HTTP/1.1 400 Bad Request");
    expect(answer).toContain('{"code":"invalid_argument","message":"host: malformed"}');
  });

  it.each([
    "GET / HTTP/1.0\r\n\r\n",
    "POST /echo.v1.EchoService/Say HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET http://a|b/livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /livez HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, close\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "GET / HTTP/9.9\r\n\r\n",
  ])("or a request that is odd does not end the process: %j", async (request) => {
    const { address } = await serveHttp({}, { options: { headersTimeoutMs: 200, checkIntervalMs: 50 } });
    const raw = new RawTcp(address);
    raw.write(request);
    await raw.closed();
    expect(await (await post(address, '{"text":"next"}')).json()).toEqual({ text: "next" });
  });
});

describe("a request message", () => {
  it("may have one mebibyte and not a byte more", async () => {
    const { address } = await serveHttp();
    const text = (size: number) => JSON.stringify({ text: "x".repeat(size - 11) });
    expect(text(MEBIBYTE)).toHaveLength(MEBIBYTE);
    expect((await post(address, text(MEBIBYTE))).status).toBe(200);
    const answer = await post(address, text(MEBIBYTE + 1));
    expect(await answer.json()).toMatchObject({ code: "resource_exhausted" });
  });

  it.each([
    ["gzip", gzipSync],
    ["br", brotliCompressSync],
  ])("may be compressed, and not be larger once inflated: %s", async (encoding, compress) => {
    const { address } = await serveHttp();
    const headers = { "content-encoding": encoding };
    const small = await post(address, compress('{"text":"small"}'), headers);
    expect(await small.json()).toEqual({ text: "small" });
    const bomb = compress(Buffer.alloc(64 * MEBIBYTE, " "));
    expect(bomb.length).toBeLessThan(MEBIBYTE);
    const answer = await post(address, bomb, headers);
    expect(await answer.json()).toMatchObject({ code: "resource_exhausted" });
  });

  it("that is none is an error of the caller", async () => {
    const { address } = await serveHttp();
    for (const body of ["", "{", '{"text":1}', "\xff"]) {
      const answer = await post(address, body);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ code: "invalid_argument" });
    }
  });
});

it("limits the size of headers", async () => {
  const { address } = await serveHttp({}, { options: { maxHeaderBytes: 2_000 } });
  expect((await post(address, "{}", { "x-large": "x".repeat(3_000) })).status).toBe(431);
});

describe("a caller that is slow", () => {
  const options = {
    headersTimeoutMs: 150,
    requestTimeoutMs: 300,
    checkIntervalMs: 20,
    keepAliveTimeoutMs: 150,
    unusedTimeoutMs: 150,
  };

  it("with its headers is cut off", async () => {
    const raw = new RawTcp((await serveHttp({}, { options })).address);
    raw.write("POST /echo.v1.EchoService/Say HTTP/1.1\r\nHost: x\r\n");
    const { result, ms } = await timed(() => raw.closed());
    expect(result).toContain("408 Request Timeout");
    expect(ms).toBeLessThan(1_500);
  });

  it("with its first byte is cut off, without an answer that a pool would take for one to its next request", async () => {
    const raw = new RawTcp((await serveHttp({}, { options })).address);
    const { result, ms } = await timed(() => raw.closed());
    expect(result).toBe("");
    expect(ms).toBeLessThan(1_500);
  });

  it.each(["P", "\r\n", "POST / HTTP/1.1\r\nHost: x\r\nX-Half: "])(
    "has as long for its headers on a connection that was opened in advance: %j",
    async (begun) => {
      const longUnused = { ...options, unusedTimeoutMs: 60_000 };
      const raw = new RawTcp((await serveHttp({}, { options: longUnused })).address);
      const isClosed = raw.closed();
      const early = await Promise.race([isClosed, sleep(options.headersTimeoutMs * 5, "still open")]);
      expect(early).toBe("still open");
      raw.write(begun);
      const { result, ms } = await timed(() => isClosed);
      expect(result).toContain("408 Request Timeout");
      expect(ms).toBeGreaterThan(options.headersTimeoutMs - 50);
      expect(ms).toBeLessThan(1_500);
    },
  );

  it("is answered on a connection that was opened in advance, whatever its first byte comes with", async () => {
    const longUnused = { ...options, unusedTimeoutMs: 60_000, requestTimeoutMs: 5_000 };
    const { address } = await serveHttp({}, { options: longUnused });
    const body = JSON.stringify({ text: "x".repeat(300_000) });
    const request = `POST /echo.v1.EchoService/Say HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    for (const first of [1, 20, request.length]) {
      const raw = new RawTcp(address);
      await sleep(options.headersTimeoutMs * 2);
      raw.write(request.slice(0, first));
      await sleep(20);
      raw.write(`${request.slice(first)}GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect(await raw.closed()).toMatch(/^HTTP\/1.1 200 OK.*HTTP\/1.1 200 OK.*ok\n$/s);
    }
  });

  it.each([
    "application/json",
    "application/proto",
    "application/connect+proto",
    "application/grpc-web+proto",
  ])("with its %s body is cut off", async (contentType) => {
    const { address } = await serveHttp({}, { options: { ...options, maxTimeoutMs: 10_000 } });
    const raw = new RawTcp(address);
    const path = contentType.includes("connect+") ? "Join" : "Say";
    raw.write(`POST /echo.v1.EchoService/${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n`);
    raw.write(`Content-Type: ${contentType}\r\n\r\n{`);
    const { ms } = await timed(() => raw.closed());
    expect(ms).toBeLessThan(2_000);
    expect(await (await post(address, '{"text":"next"}')).json()).toEqual({ text: "next" });
  });

  it("with its next request is let go", async () => {
    const raw = new RawTcp((await serveHttp({}, { options })).address);
    raw.write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    const { result } = await timed(() => raw.closed());
    expect(result).toContain("200 OK");
  });
});

it("allows a connection that was opened in advance as long as an idle one, and a request 10 s for its headers", () => {
  const { unusedTimeoutMs, keepAliveTimeoutMs, headersTimeoutMs } = defaultHttpServerOptions;
  expect([unusedTimeoutMs, keepAliveTimeoutMs, headersTimeoutMs]).toEqual([65_000, 65_000, 10_000]);
});

it("serves no gRPC, which has its own port", async () => {
  const { address } = await serveHttp(echo);
  expect((await post(address, "", { "content-type": "application/grpc+proto" })).status).toBe(415);
});
