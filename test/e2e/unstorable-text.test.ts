import { create, type DescMethod, type Message, toJsonString } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { errorFromJson } from "@connectrpc/connect/protocol-connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { beforeAll, describe, expect, test } from "vitest";
import { filled, methods, plausible } from "../canaries/filled-requests.ts";
import { grpcClients } from "../support/clients.ts";
import { errorOf } from "../support/rpc.ts";
import { password } from "../support/services.ts";
import { sharedService } from "../support/shared-service.ts";
import { textPlacements } from "../support/text-placements.ts";

const withNul = "a\0b";
/** Half a surrogate pair, as JSON can escape it. Binary messages cannot hold one. */
const halfPairs = ["a\\ud83c", "\\udf89b"];
const placeholder = "placeholder";

const cases = methods.map((method) => ({ name: method.name, method }));

describe("text that the database cannot store", () => {
  const shared = sharedService();
  const known = { userId: "", username: "storable" };
  beforeAll(async () => {
    const { users } = grpcClients(shared.running);
    const { user } = await users.createUser({ user: { username: known.username }, password });
    known.userId = user?.id ?? "";
  });

  /** A request that gets far, but for what is put into it. */
  const request = ({ input }: DescMethod, init: Readonly<Record<string, unknown>>) => {
    const { $typeName: _, ...rest } = filled(input, plausible(known));
    return create(input, { ...rest, ...init });
  };
  const transports = {
    grpc: () => createGrpcTransport({ baseUrl: `http://${shared.running.grpcAddress}` }),
    json: () =>
      createConnectTransport({ baseUrl: shared.running.httpUrl, httpVersion: "1.1", useBinaryFormat: false }),
  };

  describe.each(["grpc", "json"] as const)("U+0000 (%s)", (format) => {
    test.each(cases)("$name: is refused in every field, by its path", async ({ method }) => {
      for (const { path, isSecret, init } of textPlacements(method.input, withNul)) {
        const answer = send(transports[format](), method, request(method, init));
        if (path.startsWith("users[0].")) {
          const start = isSecret ? "" : `${path.slice("users[0].".length)}: contains U+0000`;
          expect(await answer).toMatchObject({
            results: [{ result: { case: "refusal", value: { message: expect.stringContaining(start) } } }],
          });
        } else if (isSecret) {
          // What a secret with it is, is for its own rules to say.
          await answer.catch((error) => expectKnownError(error, path));
        } else {
          const { code, reason, fields } = await errorOf(answer);
          const expected = {
            code: Code.InvalidArgument,
            reason: "INVALID_REQUEST",
            fields: expect.arrayContaining([path]),
          };
          expect({ code, reason, fields }, path).toEqual(expected);
        }
      }
    });
  });

  test.each(cases)("half a surrogate pair in JSON: $name refuses the message", async ({ method }) => {
    for (const { path, init } of textPlacements(method.input, placeholder)) {
      const json = toJsonString(method.input, request(method, init));
      for (const half of halfPairs) {
        const url = `${shared.running.httpUrl}/${method.parent.typeName}/${method.name}`;
        const error = await errorOfJson(url, method, json.replaceAll(placeholder, half));
        expect(error?.code, path).toBe(Code.InvalidArgument);
      }
    }
  });

  test("an identifier at sign-in with it is one that nobody has", async () => {
    const { authentication } = grpcClients(shared.running);
    for (const identifier of ["storable\0", "\0@example.com"]) {
      const error = await errorOf(authentication.verifyPassword({ identifier, password }));
      expect(error).toMatchObject({ reason: "INVALID_REQUEST", fields: ["identifier"] });
    }
  });
});

function expectKnownError(error: unknown, path: string): void {
  expect([Code.Internal, Code.Unknown], path).not.toContain(ConnectError.from(error).code);
}

/** Sends one message, whatever kind of method it is. Answers the first message of the answer. */
async function send(transport: Transport, method: DescMethod, message: Message): Promise<unknown> {
  const client = createClient(method.parent, transport) as Record<string, (request: unknown) => unknown>;
  async function* one() {
    yield message;
  }
  const answer = client[method.localName]?.(method.methodKind === "client_streaming" ? one() : message);
  if (method.methodKind !== "server_streaming") return answer;
  for await (const first of answer as AsyncIterable<unknown>) return first;
  return undefined;
}

/** The error that a JSON text is answered with, by the Connect protocol. */
async function errorOfJson(
  url: string,
  { methodKind }: DescMethod,
  json: string,
): Promise<ConnectError | undefined> {
  const isUnary = methodKind === "unary";
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": isUnary ? "application/json" : "application/connect+json" },
    body: isUnary ? json : envelope(json),
  });
  const body = Buffer.from(await response.arrayBuffer());
  if (isUnary && response.ok) return undefined;
  const answer = JSON.parse(String(isUnary ? body : body.subarray(5)));
  const error = isUnary ? answer : answer.error;
  return error && errorFromJson(error, undefined, new ConnectError("no error", Code.Unknown));
}

function envelope(json: string): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(Buffer.byteLength(json), 1);
  return Buffer.concat([prefix, Buffer.from(json)]);
}
