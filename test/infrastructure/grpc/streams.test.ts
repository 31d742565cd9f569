import { Code, ConnectError } from "@connectrpc/connect";
import { status } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { serveGrpc } from "../../support/echo-server.ts";
import { GrpcJsClient } from "../../support/grpc-js-client.ts";
import { frame, grpcHeaders, RawHttp2 } from "../../support/raw-http2.ts";
import { until } from "../../support/wait.ts";

const kilobytes = (n: number) => "x".repeat(n * 1024);

it("does not run ahead of a caller that does not read", async () => {
  let made = 0;
  const { address } = await serveGrpc({
    async *repeat({ count }) {
      for (; made < count; made++) {
        yield { text: kilobytes(16) };
      }
    },
  });
  // Not grpc-js: its client reads on whether anybody takes the messages or not.
  const raw = new RawHttp2(`http://${address}`);
  const stream = raw.session.request({ ...grpcHeaders, ":path": "/echo.v1.EchoService/Repeat" });
  stream.end(frame(Uint8Array.of(16, 100)));
  await new Promise((resolve) => setTimeout(resolve, 300));
  // The 64 kB that HTTP/2 lets a sender be ahead.
  expect(made).toBeLessThan(10);
  let received = 0;
  for await (const chunk of stream) {
    received += chunk.length;
  }
  expect(made).toBe(100);
  expect(received).toBeGreaterThan(100 * 16 * 1024);
});

it("makes a caller wait for a handler that does not read", async () => {
  let go: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    go = resolve;
  });
  let read = 0;
  const { address } = await serveGrpc({
    async join(requests) {
      for await (const _ of requests) {
        read++;
        await opened;
      }
      return { text: String(read) };
    },
  });
  const call = new GrpcJsClient(address).open("join");
  const outcome = call.outcome();
  let sent = 0;
  const pump = () => {
    while (sent < 1_000 && call.send({ text: kilobytes(16) })) {
      sent++;
    }
    if (sent < 1_000) {
      sent++;
      call.stream.once("drain", pump);
    } else {
      call.end();
    }
  };
  pump();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(sent).toBeLessThan(100);
  expect(read).toBe(1);
  go();
  expect((await outcome).texts).toEqual(["1000"]);
});

it("answers a client stream whose handler has read enough", async () => {
  const { address } = await serveGrpc({
    async join(requests) {
      for await (const { text } of requests) {
        return { text };
      }
      return {};
    },
  });
  const call = new GrpcJsClient(address).open("join");
  const outcome = call.outcome();
  call.send({ text: "first" });
  call.send({ text: "second" });
  expect(await outcome).toMatchObject({ texts: ["first"], status: { code: status.OK } });
});

it("ends a conversation when the handler does, whatever the caller still has to say", async () => {
  const { address } = await serveGrpc({
    async *talk(requests) {
      for await (const { text } of requests) {
        yield { text };
        if (text === "bye") {
          return;
        }
      }
    },
  });
  const call = new GrpcJsClient(address).open("talk");
  const outcome = call.outcome();
  call.send({ text: "hi" });
  call.send({ text: "bye" });
  call.send({ text: "wait" });
  expect(await outcome).toMatchObject({ texts: ["hi", "bye"], status: { code: status.OK } });
});

it.each(["repeat", "talk"] as const)("fails in the middle of %s", async (kind) => {
  const failing = async function* () {
    yield { text: "one" };
    yield { text: "two" };
    throw new ConnectError("enough", Code.ResourceExhausted);
  };
  const { address } = await serveGrpc({ repeat: failing, talk: failing });
  const outcome = await new GrpcJsClient(address).call(kind, [{ text: "x" }]);
  expect(outcome).toMatchObject({
    texts: ["one", "two"],
    status: { code: status.RESOURCE_EXHAUSTED, details: "enough" },
  });
});

it("sends headers with the first message and trailers after the last", async () => {
  const { address } = await serveGrpc({
    async *repeat(_request, { responseHeader, responseTrailer }) {
      responseHeader.set("x-when", "before");
      yield { text: "x" };
      responseHeader.set("x-when", "too late");
      responseTrailer.set("x-when", "after");
    },
  });
  const outcome = await new GrpcJsClient(address).call("repeat", [{ text: "x" }]);
  expect(outcome.headers?.get("x-when")).toEqual(["before"]);
  expect(outcome.status.metadata.get("x-when")).toEqual(["after"]);
});

it("lets a conversation go on in both directions at once", async () => {
  const { address } = await serveGrpc({
    async *talk(requests) {
      let said = 0;
      const listening = (async () => {
        for await (const _ of requests) {
          said++;
        }
      })();
      for (let i = 0; i < 50; i++) {
        yield { text: String(i) };
      }
      await listening;
      yield { text: `heard ${said}` };
    },
  });
  const texts = Array.from({ length: 50 }, (_, i) => ({ text: String(i) }));
  const outcome = await new GrpcJsClient(address).call("talk", texts);
  expect(outcome.texts.at(-1)).toBe("heard 50");
  expect(outcome.texts).toHaveLength(51);
});

it("survives a handler's iterator that cannot be ended", async () => {
  let asked = false;
  const { address } = await serveGrpc({
    repeat: () => ({
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: { text: "x" } }),
        return: () => {
          asked = true;
          throw new Error("never");
        },
      }),
    }),
  });
  const client = new GrpcJsClient(address);
  const call = client.open("repeat");
  call.send({ text: "x" });
  call.end();
  await call.next();
  call.cancel();
  await until(() => asked);
  expect((await client.say("alive")).texts).toEqual(["alive"]);
});
