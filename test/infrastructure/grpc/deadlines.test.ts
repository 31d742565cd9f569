import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { type EchoHandlers, errorInfo, serveGrpc } from "../../support/echo-server.ts";
import { GrpcJsClient, metadata, reasonsOf } from "../../support/grpc-js-client.ts";
import { RawHttp2 } from "../../support/raw-http2.ts";
import { abortOf, never, timed, until } from "../../support/wait.ts";

const kinds = ["say", "repeat", "join", "talk"] as const;

/** A first call connects and compiles; other tests run beside it. */
const SLOW_MACHINE_MS = 500;

/** Handlers that hang for ever and take no notice of the signal. */
const deaf: EchoHandlers = {
  say: () => never(),
  // biome-ignore lint/correctness/useYield: it never gets so far.
  async *repeat() {
    await never();
  },
  join: () => never(),
  // biome-ignore lint/correctness/useYield: it never gets so far.
  async *talk() {
    await never();
  },
};

/** An interceptor such as the service has: gives each error its reason. */
const addReason: Interceptor = (next) => async (request) => {
  const fail = (error: unknown): never => {
    if (error instanceof ConnectError && error.code === Code.DeadlineExceeded) {
      throw new ConnectError(error.rawMessage, error.code, undefined, [errorInfo("DEADLINE_EXCEEDED")]);
    }
    throw error;
  };
  const response = await next(request).catch(fail);
  if (!response.stream) {
    return response;
  }
  async function* messages() {
    try {
      yield* response.message as AsyncIterable<never>;
    } catch (error) {
      fail(error);
    }
  }
  return { ...response, message: messages() } as typeof response;
};

describe.each(kinds)("a deadline of %s", (kind) => {
  it("is kept though the handler ignores it, and interceptors see it", async () => {
    const { address } = await serveGrpc(deaf, { options: { maxTimeoutMs: 150 }, interceptors: [addReason] });
    const call = new GrpcJsClient(address).open(kind);
    const { result, ms } = await timed(() => {
      call.send({ text: "x" });
      call.end();
      return call.outcome();
    });
    expect(result.status.code).toBe(status.DEADLINE_EXCEEDED);
    expect(reasonsOf(result)).toEqual(["DEADLINE_EXCEEDED"]);
    expect(ms).toBeGreaterThan(140);
    expect(ms).toBeLessThan(150 + SLOW_MACHINE_MS);
  });

  it("is the service's where the caller's is longer", async () => {
    const { address } = await serveGrpc(deaf, { options: { maxTimeoutMs: 100 } });
    const client = new GrpcJsClient(address);
    const { result, ms } = await timed(() =>
      client.call(kind, [{ text: "x" }], { deadline: Date.now() + 60_000 }),
    );
    expect(result.status).toMatchObject({
      code: status.DEADLINE_EXCEEDED,
      details: "the deadline has passed",
    });
    expect(ms).toBeLessThan(100 + SLOW_MACHINE_MS);
  });

  it("is kept though an interceptor ignores it", async () => {
    const hang: Interceptor = () => () => never();
    const { address } = await serveGrpc({}, { options: { maxTimeoutMs: 50 }, interceptors: [hang] });
    const { result, ms } = await timed(() => new GrpcJsClient(address).call(kind, [{ text: "x" }]));
    expect(result.status.code).toBe(status.DEADLINE_EXCEEDED);
    expect(ms).toBeLessThan(50 + SLOW_MACHINE_MS);
  });

  it("is kept while the caller has not finished its request", async () => {
    const seen: unknown[] = [];
    const log: Interceptor = (next) => async (request) => {
      seen.push(request.method.name);
      return next(request);
    };
    const { address } = await serveGrpc({}, { options: { maxTimeoutMs: 50 }, interceptors: [log] });
    const call = new GrpcJsClient(address).open(kind);
    expect((await call.outcome()).status.code).toBe(status.DEADLINE_EXCEEDED);
    expect(seen).toHaveLength(1);
  });
});

describe("the caller's deadline", () => {
  it("aborts the signal with DeadlineExceeded, and timeoutMs counts down to it", async () => {
    const seen: { left: number | undefined; reason: unknown }[] = [];
    const { address } = await serveGrpc({
      async say(_request, { timeoutMs, signal }) {
        const left = timeoutMs();
        seen.push({ left, reason: await abortOf(signal) });
        expect(timeoutMs()).toBe(0);
        return {};
      },
    });
    const outcome = await new GrpcJsClient(address).say("x", { deadline: Date.now() + 200 });
    expect(outcome.status.code).toBe(status.DEADLINE_EXCEEDED);
    await until(() => seen.length === 1);
    expect(seen[0]?.left).toBeGreaterThan(100);
    expect(seen[0]?.left).toBeLessThanOrEqual(200);
    expect(seen[0]?.reason).toMatchObject({ code: Code.DeadlineExceeded });
  });

  it("is answered with details where the caller waits for the answer", async () => {
    const { address } = await serveGrpc(deaf, { interceptors: [addReason] });
    const raw = new RawHttp2(`http://${address}`);
    const { trailers } = await raw.say("x", { "grpc-timeout": "80m" });
    expect(trailers).toMatchObject({ "grpc-status": "4" });
    expect(trailers["grpc-status-details-bin"]).toBeDefined();
  });

  it.each(["0n", "0m", "1n"])("may have passed already: %s", async (timeout) => {
    const { address } = await serveGrpc(deaf);
    const { trailers } = await new RawHttp2(`http://${address}`).say("x", { "grpc-timeout": timeout });
    expect(trailers).toMatchObject({ "grpc-status": "4" });
  });

  it.each(["2592000S", "99999999H", "43200M", "720H"])(
    "may be weeks away, which grpc-js takes for the past: %s",
    async (timeout) => {
      const slow = { say: () => sleep(50, { text: "" }) };
      const { address } = await serveGrpc(slow);
      const { trailers } = await new RawHttp2(`http://${address}`).say("x", { "grpc-timeout": timeout });
      expect(trailers).toMatchObject({ "grpc-status": "0" });
    },
  );

  it.each(["", "x", "-1S", "1", "S", "123456789m", "1 S", "1s", "1.5S", "1S,2S", "+1S", "0x1S"])(
    "fails the call where it is malformed: %j",
    async (timeout) => {
      const raw = new RawHttp2(`http://${(await serveGrpc()).address}`);
      const { trailers } = await raw.say("x", { "grpc-timeout": timeout });
      expect(trailers).toMatchObject({ "grpc-status": String(status.INVALID_ARGUMENT) });
      expect(trailers["grpc-message"]).toContain("grpc-timeout");
    },
  );

  // 32-bit numbers of milliseconds wrap at 24 days, and at 49 where they have no sign.
  it.each(["4294967S", "4294968S", "99999999H", "2147483S", "2147484S", "71583M", "99999999S"])(
    "may be longer than 32 bits of milliseconds hold: %s",
    async (timeout) => {
      const slow = { say: () => sleep(50, { text: "" }) };
      const raw = new RawHttp2(`http://${(await serveGrpc(slow)).address}`);
      const { trailers } = await raw.say("x", { "grpc-timeout": timeout });
      expect(trailers["grpc-status"]).toBe("0");
    },
  );
});

describe("what comes after the deadline", () => {
  it("is dropped: answers, errors, messages", async () => {
    let settle: (how: "answer" | "fail") => void = () => {};
    const late = () =>
      new Promise<{ text: string }>((resolve, reject) => {
        settle = (how) => (how === "answer" ? resolve({ text: "late" }) : reject(new Error("late")));
      });
    const reported: unknown[] = [];
    const { address } = await serveGrpc(
      {
        say: late,
        async *repeat() {
          yield await late();
          yield { text: "later still" };
        },
      },
      { options: { maxTimeoutMs: 50 }, report: (error) => reported.push(error) },
    );
    const client = new GrpcJsClient(address);
    for (const kind of ["say", "repeat"] as const) {
      for (const how of ["answer", "fail"] as const) {
        const outcome = await client.call(kind, [{ text: "x" }]);
        expect(outcome).toMatchObject({ texts: [], status: { code: status.DEADLINE_EXCEEDED } });
        settle(how);
      }
    }
    expect((await client.call("join", [{ text: "still here" }])).texts).toEqual(["still here"]);
    expect(reported).toEqual([]);
  });

  it("is not even begun: a handler is not called for a call that is over", async () => {
    let called = false;
    const slow: Interceptor = (next) => async (request) => {
      await abortOf(request.signal);
      return next(request);
    };
    const { address } = await serveGrpc(
      {
        say() {
          called = true;
          return {};
        },
      },
      { options: { maxTimeoutMs: 30 }, interceptors: [slow] },
    );
    const outcome = await new GrpcJsClient(address).say("x");
    expect(outcome.status.code).toBe(status.DEADLINE_EXCEEDED);
    expect(called).toBe(false);
  });

  it("lets a stream's handler clean up", async () => {
    let cleaned = false;
    const { address } = await serveGrpc(
      {
        async *repeat() {
          try {
            for (;;) {
              yield { text: "x" };
            }
          } finally {
            cleaned = true;
          }
        },
      },
      { options: { maxTimeoutMs: 60 } },
    );
    const outcome = await new GrpcJsClient(address).call("repeat", [{ text: "x", count: 1 }]);
    expect(outcome.status.code).toBe(status.DEADLINE_EXCEEDED);
    await until(() => cleaned);
  });
});

it("tells a stream's handler that it is over, also through interceptors that wrap its messages", async () => {
  let told = false;
  const messages = {
    next: () => never<IteratorResult<{ text: string }>>(),
    async return() {
      told = true;
      return { done: true as const, value: undefined };
    },
  };
  const { address } = await serveGrpc(
    { repeat: () => ({ [Symbol.asyncIterator]: () => messages }) },
    { options: { maxTimeoutMs: 30 }, interceptors: [addReason, addReason] },
  );
  const outcome = await new GrpcJsClient(address).call("repeat", [{ text: "x" }]);
  expect(outcome.status.code).toBe(status.DEADLINE_EXCEEDED);
  await until(() => told);
});

it("sends one status and no more where answer and deadline meet", async () => {
  const { address } = await serveGrpc(
    { say: ({ text }) => new Promise((resolve) => setTimeout(resolve, 20, { text })) },
    { options: { maxTimeoutMs: 20 } },
  );
  const client = new GrpcJsClient(address);
  const outcomes = await Promise.all(
    Array.from({ length: 200 }, () => client.say("x", { metadata: metadata() })),
  );
  for (const { status: end, texts } of outcomes) {
    expect([status.OK, status.DEADLINE_EXCEEDED]).toContain(end.code);
    expect(texts).toHaveLength(end.code === status.OK ? 1 : 0);
  }
});
