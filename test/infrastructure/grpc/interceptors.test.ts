import {
  Code,
  ConnectError,
  createContextKey,
  type HandlerContext,
  type Interceptor,
  type StreamRequest,
  type UnaryRequest,
} from "@connectrpc/connect";
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { errorInfo, serveGrpc } from "../../support/echo-server.ts";
import { GrpcJsClient, metadata, reasonsOf } from "../../support/grpc-js-client.ts";
import { frame, RawHttp2 } from "../../support/raw-http2.ts";

type Request = UnaryRequest | StreamRequest;

const kinds = ["say", "repeat", "join", "talk"] as const;
const userKey = createContextKey("nobody");

function interceptor(each: (request: Request) => Request): Interceptor {
  return (next) => (request) => next(each(request));
}

it("are applied once per method, outermost first", async () => {
  const order: string[] = [];
  let applied = 0;
  const named =
    (name: string): Interceptor =>
    (next) => {
      applied++;
      return async (request) => {
        order.push(`${name} in`);
        const response = await next(request);
        order.push(`${name} out`);
        return response;
      };
    };
  const { address } = await serveGrpc({}, { interceptors: [named("outer"), named("inner")] });
  const client = new GrpcJsClient(address);
  await client.say("x");
  expect(order).toEqual(["outer in", "inner in", "inner out", "outer out"]);
  await client.say("x");
  expect(applied).toBe(2 * kinds.length);
});

it.each(kinds)("see what %s is about", async (kind) => {
  let seen: Request | undefined;
  const { address } = await serveGrpc(
    {},
    {
      interceptors: [
        interceptor((request) => {
          seen = request;
          return request;
        }),
      ],
    },
  );
  await new GrpcJsClient(address).call(kind, [{ text: "x", count: 1 }]);
  const name = `${kind[0]?.toUpperCase()}${kind.slice(1)}`;
  expect(seen).toMatchObject({
    stream: kind !== "say",
    requestMethod: "POST",
    url: `http://${address}/echo.v1.EchoService/${name}`,
    method: { name },
    service: { typeName: "echo.v1.EchoService" },
  });
  expect(seen?.signal).toBeInstanceOf(AbortSignal);
  if (kind === "say") {
    expect(seen?.message).toMatchObject({ text: "x" });
  }
});

const changes: [string, (request: Request, header: Headers) => Request][] = [
  ["{ ...request }", (request, header) => ({ ...request, header }) as Request],
  [
    "Object.create(request)",
    (request, header) => Object.create(request, { header: { value: header, enumerable: true } }),
  ],
  ["one after the other", (request, header) => Object.create({ ...request, header } as Request) as Request],
  [
    "the other after the one",
    (request, header) => ({ ...request, ...{ ...Object.create(request) }, header }) as Request,
  ],
];

describe.each(changes)("may pass on a changed request: %s", (_name, change) => {
  it.each(kinds)("to %s", async (kind) => {
    let context: HandlerContext | undefined;
    const note = (handed: HandlerContext) => {
      context = handed;
      handed.responseHeader.set("x-seen", handed.requestHeader.get("x-user") ?? "");
      return { text: handed.values.get(userKey) };
    };
    const authenticate = interceptor((request) => {
      request.contextValues.set(userKey, "ada");
      return change(request, new Headers({ "x-user": "ada" }));
    });
    const { address } = await serveGrpc(
      {
        say: (_request, handed) => note(handed),
        async *repeat(_request, handed) {
          yield note(handed);
        },
        join: async (_requests, handed) => note(handed),
        async *talk(_requests, handed) {
          yield note(handed);
        },
      },
      { interceptors: [authenticate, interceptor((request) => request)] },
    );
    const outcome = await new GrpcJsClient(address).call(kind, [{ text: "x" }], {
      metadata: metadata(["x-user", "eve"]),
      deadline: Date.now() + 10_000,
    });
    expect(outcome.texts).toEqual(["ada"]);
    expect(outcome.headers?.get("x-seen")).toEqual(["ada"]);
    expect(context?.timeoutMs()).toBeGreaterThan(5_000);
    expect(context?.signal.aborted).toBe(false);
    expect(context?.protocolName).toBe("grpc");
    expect(context?.service.typeName).toBe("echo.v1.EchoService");
  });
});

it("may replace message and signal", async () => {
  const controller = new AbortController();
  let signal: AbortSignal | undefined;
  const { address } = await serveGrpc(
    {
      say({ text }, context) {
        signal = context.signal;
        return { text };
      },
    },
    {
      interceptors: [
        interceptor(
          (request) =>
            ({
              ...request,
              signal: controller.signal,
              message: Object.assign({}, request.message, { text: "replaced" }),
            }) as Request,
        ),
      ],
    },
  );
  expect((await new GrpcJsClient(address).say("x")).texts).toEqual(["replaced"]);
  expect(signal).toBe(controller.signal);
});

it("may change, replace and refuse answers", async () => {
  const shout: Interceptor = (next) => async (request) => {
    const response = await next(request);
    if (response.stream) {
      return response;
    }
    const header = new Headers({ "x-by": "interceptor" });
    response.trailer.set("x-by", "interceptor");
    const text = `${(response.message as unknown as { text: string }).text}!`;
    return { ...response, header, message: Object.assign({}, response.message, { text }) };
  };
  const { address } = await serveGrpc({}, { interceptors: [shout] });
  const outcome = await new GrpcJsClient(address).say("hey");
  expect(outcome.texts).toEqual(["hey!"]);
  expect(outcome.headers?.get("x-by")).toEqual(["interceptor"]);
  expect(outcome.status.metadata.get("x-by")).toEqual(["interceptor"]);

  const refuse: Interceptor = () => () => {
    throw new ConnectError("not you", Code.PermissionDenied);
  };
  const other = await serveGrpc({}, { interceptors: [refuse] });
  expect((await new GrpcJsClient(other.address).say("x")).status).toMatchObject({
    code: status.PERMISSION_DENIED,
    details: "not you",
  });
});

it("are told where they pass on something that is no request of ours", async () => {
  const errors: unknown[] = [];
  const { address } = await serveGrpc(
    {},
    {
      interceptors: [interceptor(({ message }) => ({ message }) as Request)],
      report: (error) => errors.push(error),
    },
  );
  expect((await new GrpcJsClient(address).say("x")).status.code).toBe(status.INTERNAL);
  expect(errors).toMatchObject([{ message: expect.stringContaining("not a copy of the one it received") }]);
});

describe("a request that cannot be used", () => {
  /** An access log that does not look at messages, and gives errors their reason. */
  function logging() {
    const lines: string[] = [];
    const log: Interceptor = (next) => async (request) => {
      const fail = (error: unknown): never => {
        const { code, rawMessage } = error as ConnectError;
        lines.push(`${request.method.name}: ${Code[code]}: ${rawMessage}`);
        throw new ConnectError(rawMessage, code, undefined, [errorInfo("INVALID_REQUEST")]);
      };
      return next(request).catch(fail);
    };
    return { lines, log };
  }

  const say = { ":path": "/echo.v1.EchoService/Say" };
  const good = frame(Uint8Array.of(10, 1, 120));
  const bad = frame(Uint8Array.of(255, 255, 255));

  it.each([
    ["is not of the type", [bad], "3", "Say: InvalidArgument: the request is not a valid echo.v1.SayRequest"],
    ["comes twice", [good, good], "12", "Say: Unimplemented: the request has more than one message"],
    ["does not come", [], "12", "Say: Unimplemented: the request has no message"],
  ])("because its message %s is seen by interceptors", async (_name, chunks, code, line) => {
    const { lines, log } = logging();
    let called = false;
    const handlers = {
      say() {
        called = true;
        return {};
      },
    };
    const { address } = await serveGrpc(handlers, { interceptors: [log, interceptor((request) => request)] });
    const { trailers } = await new RawHttp2(`http://${address}`).request(say, chunks);
    expect(trailers["grpc-status"]).toBe(code);
    expect(trailers["grpc-status-details-bin"]).toBeDefined();
    expect(lines).toEqual([line]);
    expect(called).toBe(false);
  });

  it("fails also where an interceptor looks at the message or copies the request", async () => {
    for (const look of [
      (request: Request) => ({ ...request }) as Request,
      (request: Request) => {
        expect(request.message).toBeUndefined();
        return request;
      },
    ]) {
      const { lines, log } = logging();
      const { address } = await serveGrpc({}, { interceptors: [log, (next) => async (r) => next(look(r))] });
      const { trailers } = await new RawHttp2(`http://${address}`).request(say, [bad]);
      expect(trailers["grpc-status"]).toBe("3");
      expect(lines).toHaveLength(1);
    }
  });

  it("fails at the message of a stream that is bad", async () => {
    const seen: unknown[] = [];
    const { lines, log } = logging();
    const { address } = await serveGrpc(
      {
        async join(requests) {
          for await (const { text } of requests) {
            seen.push(text);
          }
          return {};
        },
      },
      { interceptors: [log] },
    );
    const raw = new RawHttp2(`http://${address}`);
    const { trailers } = await raw.request({ ":path": "/echo.v1.EchoService/Join" }, [good, bad, good]);
    expect(trailers["grpc-status"]).toBe("3");
    expect(seen).toEqual(["x"]);
    expect(lines).toEqual(["Join: InvalidArgument: the request is not a valid echo.v1.JoinRequest"]);
  });

  it("tells a well-behaved client too", async () => {
    const { address } = await serveGrpc({}, { interceptors: [logging().log] });
    const client = new GrpcJsClient(address);
    const outcome = await client.call("say", []);
    expect(outcome.status.code).toBe(status.UNIMPLEMENTED);
    expect(reasonsOf(outcome)).toEqual(["INVALID_REQUEST"]);
  });
});
