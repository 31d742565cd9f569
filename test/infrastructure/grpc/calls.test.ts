import {
  Code,
  ConnectError,
  createClient,
  encodeBinaryHeader,
  type HandlerContext,
} from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { BadRequestSchema } from "../../../src/gen/google/rpc/error_details_pb.ts";
import { EchoService } from "../../gen/echo/v1/echo_service_pb.ts";
import { type EchoHandlers, errorInfo, serveGrpc } from "../../support/echo-server.ts";
import { GrpcJsClient, metadata, reasonsOf } from "../../support/grpc-js-client.ts";

const kinds = ["say", "repeat", "join", "talk"] as const;

/** Handlers of all four kinds that do the same: run `body`, then answer or fail. */
function everyKind(body: (context: HandlerContext) => void): EchoHandlers {
  return {
    say(_request, context) {
      body(context);
      return { text: "done" };
    },
    async *repeat(_request, context) {
      body(context);
      yield { text: "done" };
    },
    async join(_requests, context) {
      body(context);
      return { text: "done" };
    },
    async *talk(_requests, context) {
      body(context);
      yield { text: "done" };
    },
  };
}

async function client(handlers: EchoHandlers = {}) {
  return new GrpcJsClient((await serveGrpc(handlers)).address);
}

describe("the four kinds of call", () => {
  it("answers a unary call", async () => {
    const outcome = await (await client()).say("hello");
    expect(outcome.texts).toEqual(["hello"]);
    expect(outcome.status.code).toBe(status.OK);
  });

  it("answers a server stream", async () => {
    const outcome = await (await client()).call("repeat", [{ text: "again", count: 3 }]);
    expect(outcome.texts).toEqual(["again", "again", "again"]);
    expect(outcome.status.code).toBe(status.OK);
  });

  it("answers a client stream", async () => {
    const outcome = await (await client()).call("join", [{ text: "a" }, { text: "b" }, { text: "c" }]);
    expect(outcome.texts).toEqual(["abc"]);
  });

  it("answers each message of a bidirectional stream as it comes", async () => {
    const call = (await client()).open("talk");
    for (const text of ["one", "two", "three"]) {
      call.send({ text });
      expect(await call.next()).toBe(text);
    }
    const outcome = call.outcome();
    call.end();
    expect((await outcome).status.code).toBe(status.OK);
  });

  it("serves streams without any message", async () => {
    const grpc = await client();
    expect((await grpc.call("repeat", [{ text: "none", count: 0 }])).status.code).toBe(status.OK);
    expect((await grpc.call("join", [])).texts).toEqual([""]);
    expect((await grpc.call("talk", [])).texts).toEqual([]);
  });

  it("takes a handler's partial message", async () => {
    expect((await (await client({ say: () => ({}) })).say("x")).texts).toEqual([""]);
  });
});

describe.each(kinds)("an error of %s", (kind) => {
  it("leaves with code, message, details and metadata", async () => {
    const grpc = await client(
      everyKind(() => {
        const violations = { fieldViolations: [{ field: "text", description: "too short" }] };
        throw new ConnectError(
          "kein Bär: 100% of it",
          Code.NotFound,
          { "x-hint": "look elsewhere", "x-trace-bin": encodeBinaryHeader(Uint8Array.of(0, 255)) },
          [errorInfo("USER_NOT_FOUND"), { desc: BadRequestSchema, value: violations }],
        );
      }),
    );
    const outcome = await grpc.call(kind, [{ text: "x" }]);
    expect(outcome.status.code).toBe(status.NOT_FOUND);
    expect(outcome.status.details).toBe("kein Bär: 100% of it");
    expect(reasonsOf(outcome)).toEqual(["USER_NOT_FOUND"]);
    expect(outcome.status.metadata.get("x-hint")).toEqual(["look elsewhere"]);
    expect(outcome.status.metadata.get("x-trace-bin")).toEqual([Buffer.of(0, 255)]);
  });

  it("tells nothing where it is no ConnectError, and is reported", async () => {
    const reported: unknown[] = [];
    const { address } = await serveGrpc(
      everyKind(() => {
        throw new Error("password=hunter2");
      }),
      { report: (error, path) => reported.push([(error as Error).message, path]) },
    );
    const outcome = await new GrpcJsClient(address).call(kind, [{ text: "x" }]);
    expect(outcome.status).toMatchObject({ code: status.INTERNAL, details: "internal error" });
    expect(JSON.stringify(outcome)).not.toContain("hunter2");
    const method = kind[0]?.toUpperCase() + kind.slice(1);
    expect(reported).toEqual([["password=hunter2", `/echo.v1.EchoService/${method}`]]);
  });

  it("takes along the headers and trailers that were set before", async () => {
    const grpc = await client(
      everyKind((context) => {
        context.responseHeader.set("x-early", "header");
        context.responseTrailer.set("x-early", "trailer");
        throw new ConnectError("no", Code.Aborted);
      }),
    );
    const outcome = await grpc.call(kind, [{ text: "x" }]);
    expect(outcome.status.code).toBe(status.ABORTED);
    expect(outcome.headers?.get("x-early")).toEqual(["header"]);
    expect(outcome.status.metadata.get("x-early")).toEqual(["trailer"]);
  });
});

describe.each(kinds)("headers and trailers of %s", (kind) => {
  it("arrive and leave, text and binary, with all their values", async () => {
    let seen: (string | null)[] = [];
    const grpc = await client(
      everyKind(({ requestHeader, responseHeader, responseTrailer }) => {
        seen = ["x-text", "x-many", "x-some-bin", "x-none"].map((name) => requestHeader.get(name));
        for (const target of [responseHeader, responseTrailer]) {
          target.set("x-text", "plain");
          target.append("x-many", "1");
          target.append("x-many", "2");
          target.append("x-some-bin", encodeBinaryHeader(Uint8Array.of(1, 2, 3)));
          target.append("x-some-bin", encodeBinaryHeader(Uint8Array.of(4)));
        }
      }),
    );
    const outcome = await grpc.call(kind, [{ text: "x" }], {
      metadata: metadata(
        ["x-text", "plain"],
        ["x-many", "1"],
        ["x-many", "2"],
        ["x-some-bin", Buffer.of(0, 128, 255)],
      ),
    });
    expect(seen).toEqual(["plain", "1, 2", encodeBinaryHeader(Uint8Array.of(0, 128, 255)), null]);
    expect(outcome.texts).toEqual(["done"]);
    for (const received of [outcome.headers, outcome.status.metadata]) {
      expect(received?.get("x-text")).toEqual(["plain"]);
      expect(received?.get("x-many")).toEqual(["1, 2"]);
      expect(received?.get("x-some-bin")).toEqual([Buffer.of(1, 2, 3), Buffer.of(4)]);
    }
  });

  it("lose what gRPC cannot carry, and nothing else", async () => {
    const grpc = await client(
      everyKind(({ responseHeader, responseTrailer }) => {
        for (const target of [responseHeader, responseTrailer]) {
          target.set("grpc-status", "0");
          target.set("grpc-message", "all is well");
          target.set("connection", "close");
          target.set("transfer-encoding", "chunked");
          target.set("content-type", "text/html");
          target.set("x-latin", "bär");
          target.set("x!odd", "name");
          target.set("x-good", "yes");
        }
        throw new ConnectError("no", Code.PermissionDenied);
      }),
    );
    const outcome = await grpc.call(kind, [{ text: "x" }]);
    expect(outcome.status).toMatchObject({ code: status.PERMISSION_DENIED, details: "no" });
    for (const received of [outcome.headers, outcome.status.metadata]) {
      expect(received?.get("x-good")).toEqual(["yes"]);
      expect(received?.get("x-latin")).toEqual([]);
    }
  });
});

describe("an error's message", () => {
  it.each([
    ["half a surrogate pair", "broken \ud83d", "broken \ufffd"],
    ["line breaks", "one\r\ntwo", "one\r\ntwo"],
    ["nothing", "", ""],
  ])("may hold %s", async (_name, sent, received) => {
    const grpc = await client({
      say() {
        throw new ConnectError(sent, Code.DataLoss);
      },
    });
    expect((await grpc.say("x")).status).toMatchObject({ code: status.DATA_LOSS, details: received });
    expect((await grpc.say("x")).status.code).toBe(status.DATA_LOSS);
  });

  it("is cut where it would be too long for a header", async () => {
    const grpc = await client({
      say() {
        throw new ConnectError("ä".repeat(100_000), Code.DataLoss);
      },
    });
    const { details, code } = (await grpc.say("x")).status;
    expect(code).toBe(status.DATA_LOSS);
    // Six bytes of percent-encoding each, and 1,024 in all.
    expect(details).toMatch(/^ä{170}…$/);
  });
});

it("relays an error from another server with its details and without that server's headers", async () => {
  const upstream = await serveGrpc({
    say() {
      throw new ConnectError("gone", Code.NotFound, { "x-inner": "1" }, [errorInfo("USER_NOT_FOUND")]);
    },
  });
  const inner = createClient(EchoService, createGrpcTransport({ baseUrl: `http://${upstream.address}` }));
  const outcome = await (await client({ say: (request) => inner.say(request) })).say("x");
  expect(outcome.status).toMatchObject({ code: status.NOT_FOUND, details: "gone" });
  expect(reasonsOf(outcome)).toEqual(["USER_NOT_FOUND"]);
  expect(outcome.status.metadata.get("x-inner")).toEqual([]);
});

it("reports an answer that cannot be encoded, which no interceptor could see", async () => {
  const reported: unknown[] = [];
  const text = {
    toString() {
      throw new Error("no text");
    },
  };
  const { address } = await serveGrpc(
    { say: () => ({ text: text as unknown as string }) },
    { report: (error) => reported.push(error) },
  );
  expect((await new GrpcJsClient(address).say("x")).status).toMatchObject({
    code: status.INTERNAL,
    details: "internal error",
  });
  expect(reported).toHaveLength(1);
});
