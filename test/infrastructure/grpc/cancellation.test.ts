import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { type EchoHandlers, serveGrpc } from "../../support/echo-server.ts";
import { GrpcJsClient } from "../../support/grpc-js-client.ts";
import { frame, RawHttp2 } from "../../support/raw-http2.ts";
import { abortOf, until } from "../../support/wait.ts";

const kinds = ["say", "repeat", "join", "talk"] as const;

/** Handlers that run until their signal aborts, and note why. */
function patient(): { handlers: EchoHandlers; started: () => number; reasons: unknown[] } {
  let started = 0;
  const reasons: unknown[] = [];
  const wait = async ({ signal }: HandlerContext) => {
    started++;
    const reason = await abortOf(signal);
    reasons.push(reason);
    throw reason;
  };
  return {
    started: () => started,
    reasons,
    handlers: {
      say: (_request, context) => wait(context),
      // biome-ignore lint/correctness/useYield: it never gets so far.
      async *repeat(_request, context) {
        await wait(context);
      },
      join: (_requests, context) => wait(context),
      // biome-ignore lint/correctness/useYield: it never gets so far.
      async *talk(_requests, context) {
        await wait(context);
      },
    },
  };
}

describe.each(kinds)("the signal of %s", (kind) => {
  it("aborts with Canceled when the caller cancels", async () => {
    const { handlers, started, reasons } = patient();
    const reported: unknown[] = [];
    const { address } = await serveGrpc(handlers, { report: (error) => reported.push(error) });
    const call = new GrpcJsClient(address).open(kind);
    const outcome = call.outcome();
    call.send({ text: "x" });
    call.end();
    await until(() => started() === 1);
    call.cancel();
    expect((await outcome).status.code).toBe(status.CANCELLED);
    await until(() => reasons.length === 1);
    expect(reasons[0]).toBeInstanceOf(ConnectError);
    expect(reasons[0]).toMatchObject({ code: Code.Canceled });
    expect(reported).toEqual([]);
  });

  it("aborts with Canceled when the connection breaks", async () => {
    const { handlers, started, reasons } = patient();
    const { address } = await serveGrpc(handlers);
    const raw = new RawHttp2(`http://${address}`);
    const path = `/echo.v1.EchoService/${kind[0]?.toUpperCase()}${kind.slice(1)}`;
    raw.request({ ":path": path }, [frame(new Uint8Array())]).catch(() => {});
    await until(() => started() === 1);
    raw.session.socket.destroy();
    await until(() => reasons.length === 1);
    expect(reasons[0]).toMatchObject({ code: Code.Canceled });
  });

  it("stays as it is once the call is answered", async () => {
    const signals: AbortSignal[] = [];
    const note = (context: HandlerContext) => {
      signals.push(context.signal);
      return { text: "" };
    };
    const { address } = await serveGrpc({
      say: (_request, context) => note(context),
      async *repeat(_request, context) {
        yield note(context);
      },
      join: async (_requests, context) => note(context),
      async *talk(_requests, context) {
        yield note(context);
      },
    });
    const client = new GrpcJsClient(address);
    expect((await client.call(kind, [{ text: "x" }])).status.code).toBe(status.OK);
    await client.call(kind, [{ text: "x" }]);
    expect(signals.map((signal) => signal.aborted)).toEqual([false, false]);
  });
});

it("is told apart from a deadline that passed at the caller first", async () => {
  const { handlers, reasons } = patient();
  const { address } = await serveGrpc(handlers);
  const client = new GrpcJsClient(address);
  for (let i = 0; i < 10; i++) {
    await client.say("x", { deadline: Date.now() + 30 });
  }
  await until(() => reasons.length === 10);
  expect(reasons).toEqual(Array(10).fill(expect.objectContaining({ code: Code.DeadlineExceeded })));
});

it("makes half an upload fail, and not look whole", async () => {
  const seen: unknown[] = [];
  const { address } = await serveGrpc({
    async join(requests) {
      try {
        for await (const { text } of requests) {
          seen.push(text);
        }
        seen.push("the end");
      } catch (error) {
        seen.push((error as ConnectError).code);
      }
      return {};
    },
  });
  const raw = new RawHttp2(`http://${address}`);
  const half = [frame(Uint8Array.of(10, 1, 120))];
  raw.request({ ":path": "/echo.v1.EchoService/Join" }, half, { end: false }).catch(() => {});
  await until(() => seen.length === 1);
  raw.session.socket.destroy();
  await until(() => seen.length === 2);
  expect(seen).toEqual(["x", Code.Canceled]);
});

it("tells a server stream's iterator that nobody listens any more", async () => {
  let cleaned = false;
  const { address } = await serveGrpc({
    async *repeat() {
      try {
        for (;;) {
          yield { text: "x".repeat(10_000) };
        }
      } finally {
        cleaned = true;
      }
    },
  });
  const call = new GrpcJsClient(address).open("repeat");
  call.send({ text: "" });
  call.end();
  expect(await call.next()).toHaveLength(10_000);
  call.cancel();
  await until(() => cleaned);
});

it("of one call leaves the others of its connection alone", async () => {
  const { address } = await serveGrpc({
    say: async ({ text }) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return { text };
    },
  });
  const client = new GrpcJsClient(address);
  const calls = Array.from({ length: 100 }, (_, i) => {
    const call = client.open("say");
    const outcome = call.outcome();
    call.send({ text: String(i) });
    call.end();
    if (i % 2 === 1) {
      setTimeout(() => call.cancel(), 20);
    }
    return outcome;
  });
  const codes = (await Promise.all(calls)).map((outcome) => outcome.status.code);
  expect(codes).toEqual(Array.from({ length: 100 }, (_, i) => (i % 2 === 1 ? status.CANCELLED : status.OK)));
});
