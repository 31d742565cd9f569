import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import { EchoService } from "../gen/echo/v1/echo_service_pb.ts";
import { type EchoHandlers, serveGrpc, serveHttp } from "../support/echo-server.ts";
import { grpcHeaders, RawHttp2 } from "../support/raw-http2.ts";
import { never, timed } from "../support/wait.ts";

/** What a listener gives to one call, and to one whose answers are a stream. */
const options = { maxTimeoutMs: 150, maxStreamMs: 900 };
/** On a machine that has much else to do. */
const slowMachineMs = 500;

const handlers: EchoHandlers = {
  async *repeat({ text }) {
    for (;;) {
      yield { text };
      await sleep(20);
    }
  },
  say: () => never(),
};

describe.each(["gRPC", "Connect", "gRPC-Web"] as const)("a stream of answers over %s", (protocol) => {
  const client = async () => {
    if (protocol === "gRPC") {
      const { address } = await serveGrpc(handlers, { options });
      return createClient(EchoService, createGrpcTransport({ baseUrl: `http://${address}` }));
    }
    const { address } = await serveHttp(handlers, { options });
    const transport = protocol === "Connect" ? createConnectTransport : createGrpcWebTransport;
    return createClient(EchoService, transport({ baseUrl: `http://${address}`, httpVersion: "1.1" }));
  };
  const readAll = async (answers: AsyncIterable<unknown>) => {
    let count = 0;
    try {
      for await (const _ of answers) count++;
    } catch (error) {
      return { count, code: ConnectError.from(error).code };
    }
    return { count, code: undefined };
  };

  test("lives longer than any other call, and has an end", async () => {
    const { repeat, say } = await client();
    const { result, ms } = await timed(() => readAll(repeat({ text: "x", count: 1 })));
    expect(result.code).toBe(Code.DeadlineExceeded);
    expect(result.count).toBeGreaterThan(options.maxTimeoutMs / 20);
    expect(ms).toBeGreaterThan(options.maxStreamMs - 50);
    expect(ms).toBeLessThan(options.maxStreamMs + slowMachineMs);
    const other = await timed(() => say({ text: "x" }).catch((error) => ConnectError.from(error).code));
    expect(other.result).toBe(Code.DeadlineExceeded);
    expect(other.ms).toBeLessThan(options.maxStreamMs);
  });

  test("ends by its own deadline where that is sooner", async () => {
    const { repeat } = await client();
    const { result, ms } = await timed(() => readAll(repeat({ text: "x", count: 1 }, { timeoutMs: 300 })));
    expect(result.code).toBe(Code.DeadlineExceeded);
    expect(ms).toBeLessThan(options.maxStreamMs);
  });
});

describe("a stream of requests over gRPC", () => {
  const joining = async () => {
    const { address } = await serveGrpc(
      {
        async join(messages) {
          let count = 0;
          for await (const _ of messages) count++;
          return { text: String(count) };
        },
      },
      { options },
    );
    return createClient(EchoService, createGrpcTransport({ baseUrl: `http://${address}` }));
  };
  async function* everyMs(pauseMs: number, count: number) {
    for (let n = 0; n < count; n++) {
      yield { text: "x" };
      await sleep(pauseMs);
    }
  }

  test("lives longer than any other call while its requests come, and has an end", async () => {
    const { join } = await joining();
    const long = await timed(() => join(everyMs(20, 20)));
    expect(long.result.text).toBe("20");
    expect(long.ms).toBeGreaterThan(options.maxTimeoutMs);
    const { result, ms } = await timed(() =>
      join(everyMs(20, 1_000)).catch((error) => ConnectError.from(error).code),
    );
    expect(result).toBe(Code.DeadlineExceeded);
    expect(ms).toBeGreaterThan(options.maxStreamMs - 50);
    expect(ms).toBeLessThan(options.maxStreamMs + slowMachineMs);
  });

  test("ends as soon as any other call if the next request does not come", async () => {
    const { join } = await joining();
    async function* silent() {
      yield* everyMs(20, 3);
      await never();
    }
    const { result, ms } = await timed(() => join(silent()).catch((error) => ConnectError.from(error)));
    expect(result).toMatchObject({ code: Code.DeadlineExceeded });
    expect(ms).toBeLessThan(options.maxStreamMs - 100);
  });
});

test("a stream whose request does not come ends as soon as any other call", async () => {
  const { address } = await serveGrpc(handlers, { options: { maxTimeoutMs: 150, maxStreamMs: 60_000 } });
  const raw = new RawHttp2(`http://${address}`);
  const stream = raw.session.request({ ...grpcHeaders, ":path": "/echo.v1.EchoService/Repeat" });
  const { result, ms } = await timed(
    () =>
      new Promise((resolve) =>
        stream.on("headers", resolve).on("response", resolve).on("trailers", resolve).resume(),
      ),
  );
  expect(result).toMatchObject({ "grpc-status": String(Code.DeadlineExceeded) });
  expect(ms).toBeLessThan(150 + slowMachineMs);
});
