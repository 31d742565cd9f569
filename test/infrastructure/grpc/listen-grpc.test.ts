import { once } from "node:events";
import { connect } from "node:net";
import { credentials, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { createHealth } from "../../../src/infrastructure/grpc/health.ts";
import { ListenError } from "../../../src/infrastructure/sockets/listen.ts";
import { serveGrpc } from "../../support/echo-server.ts";
import { GrpcJsClient } from "../../support/grpc-js-client.ts";
import { HealthClient } from "../../support/health-client.ts";
import { RawHttp2 } from "../../support/raw-http2.ts";
import { timed, until } from "../../support/wait.ts";

describe("an address", () => {
  it("that is in use is an error that says so", async () => {
    const { address } = await serveGrpc();
    const attempt = serveGrpc({}, { address });
    await expect(attempt).rejects.toThrow(ListenError);
    await expect(attempt).rejects.toThrow(`cannot listen on ${address}: address already in use`);
    expect((await new GrpcJsClient(address).say("still here")).texts).toEqual(["still here"]);
  });

  it.each(["127.0.0.1", "[::1]", "localhost"])("may be %s", async (host) => {
    const { address } = await serveGrpc({}, { address: `${host}:0` });
    expect(address).toMatch(/:[1-9]\d*$/);
    expect(address.slice(0, address.lastIndexOf(":"))).toBe(host);
    expect((await new GrpcJsClient(address).say("x")).texts).toEqual(["x"]);
  });
});

describe("a drain", () => {
  it("with nothing open is over at once, and nobody is let in afterwards", async () => {
    const listener = await serveGrpc();
    const { ms } = await timed(() => listener.drain(5_000));
    expect(ms).toBeLessThan(1_000);
    const outcome = await new GrpcJsClient(listener.address).say("x");
    expect(outcome.status.code).toBe(status.UNAVAILABLE);
    await listener.drain(5_000);
  });

  it("lets calls in flight finish, and tells callers to go", async () => {
    const gates: (() => void)[] = [];
    const listener = await serveGrpc({
      say: ({ text }) => new Promise((resolve) => gates.push(() => resolve({ text }))),
    });
    const raw = new RawHttp2(`http://${listener.address}`);
    const goaway = once(raw.session, "goaway");
    const idle = new GrpcJsClient(listener.address, credentials.createInsecure());
    const calls = [raw.say("a"), idle.say("b"), raw.say("c")];
    await until(() => gates.length === 3);
    const draining = timed(() => listener.drain(10_000));
    expect(await goaway).toContain(0);
    for (const open of gates) {
      open();
    }
    const [a, b, c] = await Promise.all(calls);
    expect([a, c]).toMatchObject(Array(2).fill({ trailers: { "grpc-status": "0" } }));
    expect(b).toMatchObject({ texts: ["b"], status: { code: status.OK } });
    expect((await draining).ms).toBeLessThan(2_000);
  });

  it("cuts off what is left after the grace, and the handler learns of it", async () => {
    let begun = false;
    let aborted = false;
    const listener = await serveGrpc({
      say: (_request, { signal }) =>
        new Promise(() => {
          begun = true;
          signal.addEventListener("abort", () => {
            aborted = true;
          });
        }),
    });
    const call = new GrpcJsClient(listener.address).say("x");
    await until(() => begun);
    const { ms } = await timed(() => listener.drain(200));
    expect(ms).toBeGreaterThan(150);
    expect(ms).toBeLessThan(1_000);
    expect([status.UNAVAILABLE, status.CANCELLED, status.INTERNAL]).toContain((await call).status.code);
    await until(() => aborted);
  });

  it("does not wait for connections that say nothing", async () => {
    const listener = await serveGrpc();
    const [host, port] = listener.address.split(":");
    const socket = connect(Number(port), host).resume();
    socket.on("error", () => {});
    await once(socket, "connect");
    const closed = once(socket, "close");
    const { ms } = await timed(() => listener.drain(5_000));
    expect(ms).toBeLessThan(1_000);
    await closed;
  });

  it("does not wait for health watches: they hear NOT_SERVING and are ended", async () => {
    const health = createHealth(["echo.v1.EchoService"]);
    health.setReady(true);
    const listener = await serveGrpc({}, { health });
    const watch = new HealthClient(listener.address).watch("echo.v1.EchoService");
    await until(() => watch.statuses.length === 1);
    const { ms } = await timed(() => listener.drain(5_000));
    expect(ms).toBeLessThan(1_000);
    expect((await watch.ended).code).toBe(status.UNAVAILABLE);
    expect(watch.statuses).toEqual(["SERVING", "NOT_SERVING"]);
  });
});
