import { Server } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { answerUnknownMethods, limitResets } from "../../../src/infrastructure/grpc/grpc-js-internals.ts";
import { unknownMethod } from "../../support/echo-server.ts";

// That they do what they are for is tested with the calls they are for: unknown-method, limits, deadlines, cancellation.

/** A server as a later version of grpc-js might have it. */
function without(name: string): Server {
  return Object.create(Server.prototype, { [name]: { value: undefined } });
}

it("says so where grpc-js looks up its handlers elsewhere", () => {
  const server = without("_retrieveHandler");
  expect(() => answerUnknownMethods(server, unknownMethod)).toThrow("grpc-js-internals.ts");
});

it("says so where grpc-js keeps its HTTP/2 options elsewhere", () => {
  expect(() => limitResets(without("commonServerOptions"), 1, 1)).toThrow("grpc-js-internals.ts");
});
