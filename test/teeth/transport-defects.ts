import type { Defect } from "./defects.ts";

const protocol = "test/infrastructure/grpc/protocol.test.ts";

/** What could be wrong with the gRPC port. */
export const transportDefects: readonly Defect[] = [
  {
    name: "a request that ends inside a message passes for a whole one",
    file: "src/infrastructure/grpc/grpc-wire.ts",
    find: "} else if (this.#reader.isInsideMessage) {",
    replace: "} else if (false) {",
    test: protocol,
    named: "a client stream that is cut off takes no effect",
  },
  {
    name: "a call is read before it is admitted",
    file: "src/infrastructure/grpc/grpc-call.ts",
    find: "if (!isAdmitted) {",
    replace: "if (!isAdmitted && Number.isNaN(0)) {",
    test: protocol,
    named: "nothing is read of a call that is not admitted",
  },
  {
    name: "a stream that is refused stays open until its caller ends it",
    file: "src/infrastructure/grpc/grpc-wire.ts",
    find: "      if (!this.#hasEnded) stream.close(constants.NGHTTP2_NO_ERROR);\n",
    replace: "",
    test: protocol,
    named: "nothing is read of a call that is not admitted",
  },
  {
    name: "what half-sent messages hold is not bounded",
    file: "src/infrastructure/sockets/unread-bytes.ts",
    find: "if (held.bytes + bytes > perConnection || this.#total + bytes > perProcess) return false;",
    replace:
      "if (held.bytes + bytes > perConnection && this.#total + bytes > perProcess && false) return false;",
    test: protocol,
    named: "are bounded per",
  },
  {
    name: "grpc-timeout wraps at 32 bits",
    file: "src/infrastructure/grpc/request-head.ts",
    find: "Number(digits) * (unitMs[unit] ?? 0);",
    replace: "(Number(digits) * (unitMs[unit] ?? 0)) | 0;",
    test: "test/infrastructure/grpc/deadlines.test.ts",
    named: "may be longer than 32 bits",
  },
];
