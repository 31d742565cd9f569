import {
  Code,
  ConnectError,
  createClient,
  decodeBinaryHeader,
  encodeBinaryHeader,
  type HandlerContext,
  type Interceptor,
} from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.ts";
import { EchoService } from "../gen/echo/v1/echo_service_pb.ts";
import { type EchoHandlers, errorInfo } from "../support/echo-server.ts";
import { type Served, transports } from "../support/transports.ts";
import { abortOf, never, timed, until } from "../support/wait.ts";

/** A first call connects and compiles; other tests run beside it. */
const SLOW_MACHINE_MS = 500;

function clientOf({ transport }: Served) {
  return createClient(EchoService, transport);
}

type EchoClient = ReturnType<typeof clientOf>;
type Options = NonNullable<Parameters<EchoClient["say"]>[1]>;

async function* texts(...all: string[]) {
  for (const text of all) {
    yield { text };
  }
}

/** Calls that can be compared: each of them one message there, and one back. */
const calls: Record<string, (client: EchoClient, options?: Options) => Promise<string>> = {
  say: async (client, options) => (await client.say({ text: "x" }, options)).text,
  async repeat(client, options) {
    let all = "";
    for await (const { text } of client.repeat({ text: "x", count: 1 }, options)) {
      all += text;
    }
    return all;
  },
  join: async (client, options) => (await client.join(texts("x"), options)).text,
  async talk(client, options) {
    let all = "";
    for await (const { text } of client.talk(texts("x"), options)) {
      all += text;
    }
    return all;
  },
};

/** Handlers of all kinds that do the same. */
function all(handle: (context: HandlerContext) => Promise<string>): EchoHandlers {
  return {
    say: async (_request, context) => ({ text: await handle(context) }),
    async *repeat(_request, context) {
      yield { text: await handle(context) };
    },
    join: async (_requests, context) => ({ text: await handle(context) }),
    async *talk(_requests, context) {
      yield { text: await handle(context) };
    },
  };
}

async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return error as ConnectError;
  }
  throw new Error("the call went well");
}

const cases = transports.flatMap(([name, serve, bidi]) =>
  Object.entries(calls)
    .filter(([kind]) => bidi || kind !== "talk")
    .map(([kind, call]) => ({ name, kind, serve, call })),
);

describe.each(cases)("$kind over $name", ({ serve, call }) => {
  it("is answered", async () => {
    expect(await call(clientOf(await serve()))).toBe("x");
  });

  it("fails with code, message and details", async () => {
    const served = await serve(
      all(async () => {
        throw new ConnectError("no Bär", Code.NotFound, { "x-hint": "h" }, [errorInfo("USER_NOT_FOUND")]);
      }),
    );
    const error = await errorOf(call(clientOf(served)));
    expect(error).toMatchObject({ code: Code.NotFound, rawMessage: "no Bär" });
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "USER_NOT_FOUND" }]);
    expect(error.metadata.get("x-hint")).toBe("h");
  });

  it("tells nothing of an error that is no ConnectError", async () => {
    const served = await serve(
      all(async () => {
        throw new Error("hunter2");
      }),
    );
    expect(await errorOf(call(clientOf(served)))).toMatchObject({
      code: Code.Internal,
      rawMessage: "internal error",
    });
  });

  it("takes headers and trailers along, text and binary", async () => {
    const bytes = Uint8Array.of(0, 128, 255);
    const seen: unknown[] = [];
    const served = await serve(
      all(async ({ requestHeader, responseHeader, responseTrailer }) => {
        seen.push(requestHeader.get("x-text"), requestHeader.get("x-some-bin"));
        responseHeader.set("x-head", "h");
        responseHeader.set("x-head-bin", encodeBinaryHeader(bytes));
        responseTrailer.set("x-tail", "t");
        responseTrailer.set("x-tail-bin", encodeBinaryHeader(bytes));
        return "";
      }),
    );
    let header = new Headers();
    let trailer = new Headers();
    await call(clientOf(served), {
      headers: { "x-text": "plain", "x-some-bin": encodeBinaryHeader(bytes) },
      onHeader: (received) => {
        header = received;
      },
      onTrailer: (received) => {
        trailer = received;
      },
    });
    expect(seen).toEqual(["plain", encodeBinaryHeader(bytes)]);
    expect([header.get("x-head"), trailer.get("x-tail")]).toEqual(["h", "t"]);
    expect(decodeBinaryHeader(header.get("x-head-bin") ?? "")).toEqual(bytes);
    expect(decodeBinaryHeader(trailer.get("x-tail-bin") ?? "")).toEqual(bytes);
  });

  it("ends at the service's own deadline, whatever the handler does, and interceptors see it", async () => {
    const codes: unknown[] = [];
    const log: Interceptor = (next) => async (request) => {
      const note = (error: unknown): never => {
        codes.push((error as ConnectError).code);
        throw error;
      };
      const response = await next(request).catch(note);
      if (!response.stream) {
        return response;
      }
      async function* noted() {
        try {
          yield* response.message as AsyncIterable<never>;
        } catch (error) {
          note(error);
        }
      }
      return { ...response, message: noted() } as typeof response;
    };
    const seen: { left: number | undefined; reason: unknown }[] = [];
    const served = await serve(
      all(async ({ timeoutMs, signal }) => {
        const left = timeoutMs();
        seen.push({ left, reason: await abortOf(signal) });
        return never();
      }),
      { maxTimeoutMs: 120, interceptors: [log] },
    );
    for (const options of [{}, { timeoutMs: 60_000 }]) {
      const { result, ms } = await timed(() => errorOf(call(clientOf(served), options)));
      expect(result.code).toBe(Code.DeadlineExceeded);
      expect(ms).toBeLessThan(120 + SLOW_MACHINE_MS);
    }
    expect(codes).toEqual([Code.DeadlineExceeded, Code.DeadlineExceeded]);
    expect(seen[0]?.left).toBeLessThanOrEqual(120);
    expect(seen[1]?.left).toBeLessThanOrEqual(120);
    expect(seen.map((each) => each.reason)).toMatchObject(Array(2).fill({ code: Code.DeadlineExceeded }));
  });

  it("ends at its deadline though an interceptor hangs", async () => {
    const hang: Interceptor = () => () => never();
    const served = await serve({}, { maxTimeoutMs: 50, interceptors: [hang] });
    const { result, ms } = await timed(() => errorOf(call(clientOf(served))));
    expect(result.code).toBe(Code.DeadlineExceeded);
    expect(ms).toBeLessThan(50 + SLOW_MACHINE_MS);
  });

  it("ends at the caller's deadline", async () => {
    const served = await serve(all(() => never()));
    const { result, ms } = await timed(() => errorOf(call(clientOf(served), { timeoutMs: 80 })));
    expect(result.code).toBe(Code.DeadlineExceeded);
    expect(ms).toBeLessThan(80 + SLOW_MACHINE_MS);
  });

  it("aborts the handler's signal when the caller cancels", async () => {
    const reasons: unknown[] = [];
    let started = false;
    const served = await serve(
      all(async ({ signal }) => {
        started = true;
        reasons.push(await abortOf(signal));
        throw new Error("too late to matter");
      }),
    );
    const controller = new AbortController();
    const error = errorOf(call(clientOf(served), { signal: controller.signal }));
    await until(() => started);
    controller.abort();
    expect((await error).code).toBe(Code.Canceled);
    await until(() => reasons.length === 1);
    expect(reasons[0]).toBeInstanceOf(ConnectError);
    expect(reasons[0]).toMatchObject({ code: Code.Canceled });
  });

  it("leaves the signal alone once it is answered", async () => {
    const signals: AbortSignal[] = [];
    const served = await serve(
      all(async ({ signal }) => {
        signals.push(signal);
        return "";
      }),
    );
    await call(clientOf(served));
    await call(clientOf(served));
    expect(signals.map((signal) => signal.aborted)).toEqual([false, false]);
  });

  it("finishes during a drain", async () => {
    let finish: () => void = () => {};
    const served = await serve(
      all(
        () =>
          new Promise((resolve) => {
            finish = () => resolve("finished");
          }),
      ),
    );
    const started = call(clientOf(served));
    const before = finish;
    await until(() => finish !== before);
    const draining = timed(() => served.drain(5_000));
    await new Promise((resolve) => setTimeout(resolve, 50));
    finish();
    expect(await started).toBe("finished");
    expect((await draining).ms).toBeLessThan(3_000);
  });
});

it("refuses bidirectional streams over HTTP/1.1", async () => {
  const [, serve] = transports.find(([name]) => name === "Connect") ?? [];
  const served = await serve?.();
  const error = await errorOf(calls["talk"]?.(clientOf(served as Served)) ?? Promise.resolve());
  expect(error).toBeInstanceOf(ConnectError);
});
