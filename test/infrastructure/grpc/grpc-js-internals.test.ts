import { Server } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { liftResetLimit, takeOverStreams } from "../../../src/infrastructure/grpc/grpc-js-internals.ts";

// That they do what they are for is tested with the calls they are for: unknown-method, limits, deadlines, cancellation.

/** A server as a later version of grpc-js might have it. */
function without(name: string): Server {
  return Object.create(Server.prototype, { [name]: { value: undefined } });
}

it.each(["_streamHandler", "_sessionHandler", "_runHandlerForCall", "handlers"])(
  "says so where grpc-js has no %s any more",
  (name) => {
    expect(() =>
      takeOverStreams(
        without(name),
        () => {},
        () => {},
      ),
    ).toThrow("grpc-js-internals.ts");
  },
);

it("says so where grpc-js keeps its HTTP/2 options elsewhere", () => {
  expect(() => liftResetLimit(without("commonServerOptions"))).toThrow("grpc-js-internals.ts");
});
