import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { SayRequestSchema } from "../gen/echo/v1/echo_service_pb.ts";
import { serveGrpc } from "../support/echo-server.ts";
import { Http2Pump } from "./http2-pump.ts";

const encoded = (text: string) => Buffer.from(toBinary(SayRequestSchema, create(SayRequestSchema, { text })));

// The names ada-0 to ada-63 have two lengths: of 2,745 calls with them 1,728 were INVALID_ARGUMENT.
test.each([
  ["two lengths", ["ada-9", "ada-10"]],
  [
    "very different lengths",
    ["", "a", "a".repeat(200), "a".repeat(65_000), "b", "c".repeat(16_379), "d".repeat(16_380)],
  ],
  ["one length", ["a", "b", "c"]],
  ["one message", ["a".repeat(40_000)]],
])("messages of %s arrive whole and in turn", async (_name, texts) => {
  const received: string[] = [];
  const server = await serveGrpc({
    say: ({ text }) => {
      received.push(text);
      return { text: "done" };
    },
  });
  const pump = await Http2Pump.open(server.address, {
    path: "/echo.v1.EchoService/Say",
    messages: texts.map(encoded),
  });
  const sent = Array.from({ length: texts.length * 5 }, (_, i) => texts[i % texts.length]);
  const answered = await Promise.all(sent.map(() => new Promise<boolean>((resolve) => pump.call(resolve))));
  pump.close();
  expect(answered).toEqual(sent.map(() => true));
  expect(received.toSorted()).toEqual(sent.toSorted());
});

test("headers are sent with every call", async () => {
  const received: (string | null)[] = [];
  const server = await serveGrpc({
    say: (_request, { requestHeader }) => {
      received.push(requestHeader.get("authorization"));
      return { text: "done" };
    },
  });
  const pump = await Http2Pump.open(server.address, {
    path: "/echo.v1.EchoService/Say",
    messages: [encoded("a"), encoded("bc")],
    headers: { authorization: "Bearer x" },
  });
  for (let i = 0; i < 3; i++) await new Promise((resolve) => pump.call(resolve));
  pump.close();
  expect(received).toEqual(["Bearer x", "Bearer x", "Bearer x"]);
});
