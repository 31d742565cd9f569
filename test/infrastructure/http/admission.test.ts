import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import type { Admit } from "../../../src/infrastructure/grpc/admit.ts";
import { UnreadBytes } from "../../../src/infrastructure/sockets/unread-bytes.ts";
import { echo, serveHttp } from "../../support/echo-server.ts";
import { RawTcp } from "../../support/raw-tcp.ts";
import { enveloped } from "../../support/served-api.ts";
import { timed, until } from "../../support/wait.ts";

// Everything that it takes to know a caller is in the headers and the connection, and messages were read before it was
// looked at.

const methods: [contentType: string, path: string][] = [
  ["application/json", "Say"],
  ["application/proto", "Say"],
  ["application/grpc-web+proto", "Say"],
  ["application/grpc-web+json", "Repeat"],
  ["application/connect+proto", "Join"],
  ["application/connect+json", "Repeat"],
];

function head(contentType: string, path: string, length: string): string {
  return `POST /echo.v1.EchoService/${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${contentType}\r\n${length}\r\n\r\n`;
}

describe("a call that is not admitted", () => {
  const refusal = new ConnectError("no credentials", Code.Unauthenticated);

  it.each(methods)("is answered before its body comes, through the interceptors: %s", async (type, path) => {
    const seen: string[] = [];
    const admit: Admit = async ({ method }) => {
      seen.push(`admit ${method.name}`);
      return false;
    };
    const refuse: Interceptor = () => async (request) => {
      seen.push(`interceptor ${request.method.name}`);
      expect(() => request.message).toThrow();
      throw refusal;
    };
    const { address } = await serveHttp(echo, { admit, interceptors: [refuse] });
    const raw = new RawTcp(address);
    raw.write(head(type, path, "Content-Length: 1000000"));
    const { result, ms } = await timed(() => raw.until("credentials"));
    expect(ms).toBeLessThan(3_000);
    expect(result).toMatch(/\r\nconnection: close\r\n/i);
    await raw.closed();
    expect(seen).toEqual([`admit ${path}`, `interceptor ${path}`]);
  });

  it("keeps its connection if its body has come", async () => {
    const { address } = await serveHttp(echo, {
      admit: async () => false,
      interceptors: [
        () => async () => {
          throw refusal;
        },
      ],
    });
    const raw = new RawTcp(address);
    for (let i = 1; i <= 3; i++) {
      raw.write(`${head("application/json", "Say", "Content-Length: 2")}{}`);
      await until(() => raw.received.split("no credentials").length === i + 1);
    }
    expect(raw.received).not.toMatch(/connection: close/i);
  });
});

it("a call that is admitted is read only then", async () => {
  let admitted: () => void = () => {};
  const { address } = await serveHttp(echo, {
    admit: () => new Promise((resolve) => (admitted = () => resolve(true))),
  });
  const answer = fetch(`http://${address}/echo.v1.EchoService/Say`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"text":"x"}',
  });
  expect(await Promise.race([answer, sleep(200)])).toBeUndefined();
  admitted();
  expect(await (await answer).json()).toEqual({ text: "x" });
});

describe("what half-sent requests hold", () => {
  const KIBIBYTE = 1024;
  const half = "x".repeat(40 * KIBIBYTE);
  const limits = { perConnection: 1_000 * KIBIBYTE, perProcess: 100 * KIBIBYTE };

  /** Whether nothing is held. */
  const isFree = (unread: UnreadBytes) => {
    const lease = unread.open({});
    const free = lease.take(limits.perProcess);
    lease.release();
    return free;
  };

  it.each(methods)("has a bound, and is free again once they are gone: %s", async (type, path) => {
    const unread = new UnreadBytes(limits);
    const { address } = await serveHttp(echo, { unread });
    const isEnveloped = !/\/(json|proto)$/.test(type);
    const prefix = isEnveloped ? "\0\0\x0d\0\0" : "";
    const open = () => {
      const raw = new RawTcp(address);
      raw.write(head(type, path, "Content-Length: 900000"));
      raw.write(prefix + half);
      return raw;
    };
    const held = [open(), open()];
    await until(() => !isFree(unread));
    await sleep(100);
    const over = [open(), open()];
    const answers = await Promise.all(over.map((raw) => raw.until("unread")));
    expect(answers.join()).toMatch(/resource_exhausted|grpc-status: 8/);
    for (const raw of [...held, ...over]) raw.socket.destroy();
    await until(() => isFree(unread));
    const next = await fetch(`http://${address}/echo.v1.EchoService/Say`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text: half }),
    });
    expect(next.status).toBe(200);
  });

  it("is free again after each call of a connection that stays", async () => {
    const unread = new UnreadBytes(limits);
    const { address } = await serveHttp(echo, { unread });
    const body = JSON.stringify({ text: half });
    const raw = new RawTcp(address);
    for (let i = 1; i <= 10; i++) {
      raw.write(`${head("application/json", "Say", `Content-Length: ${body.length}`)}${body}`);
      await until(() => raw.received.split("200 OK").length === i + 1);
      await until(() => isFree(unread));
    }
  });

  it("is free while a stream of requests waits for its next one", async () => {
    const unread = new UnreadBytes(limits);
    const { address } = await serveHttp(echo, { unread });
    const raw = new RawTcp(address);
    const message = enveloped(Buffer.from(JSON.stringify({ text: half }))).toString("latin1");
    raw.write(head("application/connect+json", "Join", "Transfer-Encoding: chunked"));
    for (let i = 0; i < 10; i++) {
      raw.write(`${message.length.toString(16)}\r\n${message}\r\n`);
      await sleep(20);
    }
    await until(() => isFree(unread));
    raw.write("0\r\n\r\n");
    await raw.until("200 OK");
  });

  it("is not much more than what was sent, in chunks of one byte", async () => {
    const unread = new UnreadBytes({ perConnection: 10 * KIBIBYTE, perProcess: 10 * KIBIBYTE });
    const { address } = await serveHttp(echo, { unread });
    const body = JSON.stringify({ text: "y".repeat(4 * KIBIBYTE) });
    const raw = new RawTcp(address);
    raw.write(head("application/json", "Say", "Transfer-Encoding: chunked"));
    raw.write(`${[...body].map((byte) => `1\r\n${byte}\r\n`).join("")}0\r\n\r\n`);
    expect(await raw.until("yyyy")).toContain("200 OK");
  });
});
