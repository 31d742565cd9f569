import { once } from "node:events";
import { Agent, get } from "node:http";
import { expect, it } from "vitest";
import { ListenError } from "../../../src/infrastructure/sockets/listen.ts";
import { serveHttp } from "../../support/echo-server.ts";
import { RawTcp } from "../../support/raw-tcp.ts";
import { never, timed, until } from "../../support/wait.ts";

const say = "POST /echo.v1.EchoService/Say HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";

it("says where and why it cannot listen", async () => {
  const { address } = await serveHttp();
  const attempt = serveHttp({}, { address });
  await expect(attempt).rejects.toThrow(ListenError);
  await expect(attempt).rejects.toThrow(`cannot listen on ${address}: address already in use`);
});

it.each(["127.0.0.1", "[::1]", "localhost"])("listens on %s", async (host) => {
  const { address } = await serveHttp({}, { address: `${host}:0` });
  expect(await (await fetch(`http://${address}/livez`)).text()).toBe("ok\n");
});

it("drains at once where nothing is in flight: idle, silent and half-asked connections are closed", async () => {
  const listener = await serveHttp();
  const [, port] = listener.address.split(":");
  const agent = new Agent({ keepAlive: true });
  const [response] = await once(get({ port, path: "/livez", agent }), "response");
  response.resume();
  await once(response, "end");
  const silent = new RawTcp(listener.address);
  const half = new RawTcp(listener.address);
  half.write("GET /livez HTTP/1.1\r\nHo");
  await new Promise((resolve) => setTimeout(resolve, 50));
  const closed = Promise.all([silent.closed(), half.closed()]);
  const { ms } = await timed(() => listener.drain(5_000));
  expect(ms).toBeLessThan(1_000);
  await closed;
  await expect(fetch(`http://${listener.address}/livez`)).rejects.toThrow();
  await listener.drain(5_000);
});

it("lets what is in flight finish, and keeps no connection alive after it", async () => {
  let finish: () => void = () => {};
  const listener = await serveHttp({
    say: ({ text }) =>
      new Promise((resolve) => {
        finish = () => resolve({ text });
      }),
  });
  const raw = new RawTcp(listener.address);
  raw.write(`${say}Content-Length: 12\r\n\r\n{"text":"x"}`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const draining = timed(() => listener.drain(10_000));
  const closed = raw.closed();
  finish();
  expect(await closed).toContain('{"text":"x"}');
  expect((await draining).ms).toBeLessThan(1_000);
});

it("cuts off what is left after the grace", async () => {
  let aborted = false;
  const listener = await serveHttp({
    say(_request, { signal }) {
      signal.addEventListener("abort", () => {
        aborted = true;
      });
      return never();
    },
  });
  const raw = new RawTcp(listener.address);
  raw.write(`${say}Content-Length: 2\r\n\r\n{}`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const { ms } = await timed(() => listener.drain(200));
  expect(ms).toBeGreaterThan(150);
  expect(ms).toBeLessThan(1_000);
  await raw.closed();
  await until(() => aborted);
});
