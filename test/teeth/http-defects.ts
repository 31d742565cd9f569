import type { Defect } from "./defects.ts";

/** What could be wrong with how the HTTP port reads requests. */
export const httpDefects: readonly Defect[] = [
  {
    name: "the HTTP port reads a call before it is admitted",
    file: "src/infrastructure/http/receive-requests.ts",
    find: "if (admit !== undefined && !(await admit(request))) {",
    replace: "await source.body.read();\n    if (admit !== undefined && !(await admit(request))) {",
    test: "test/infrastructure/http/admission.test.ts",
    named: "is answered before its body comes",
  },
  {
    name: "the rest of a request is left on its connection",
    file: "src/infrastructure/http/http-handler.ts",
    find: "      await endRequest(body, request, response);\n      await universalResponseToNodeResponse(",
    replace: "      await universalResponseToNodeResponse(",
    test: "test/infrastructure/http/early-answers.test.ts",
    named: "a call that is answered before its end: an invalid message in gRPC-Web",
  },
  {
    name: "bytes of a message are leased and never given back",
    file: "src/infrastructure/grpc/message-reader.ts",
    find: "    if (this.#body.length > 0) this.#lease.release(this.#body.length);\n",
    replace: "",
    test: "test/infrastructure/grpc/streams.test.ts",
    named: "makes a caller wait for a handler that does not read",
  },
  {
    name: "an unknown field inside a message is dropped",
    file: "src/interfaces/rpc/interceptors/unknown-fields.ts",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a template
    find: "yield* unknownFields(field.message, value as Message, `${at}.`);",
    replace: "void value;",
    test: "test/interfaces/rpc/unknown-fields.test.ts",
    named: "in a message is refused",
  },
];
