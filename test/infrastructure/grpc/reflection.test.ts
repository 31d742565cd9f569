import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { AuthenticationService } from "../../../src/gen/auth/v1/authentication_service_pb.ts";
import { UserService } from "../../../src/gen/auth/v1/user_service_pb.ts";
import { createHealth } from "../../../src/infrastructure/grpc/health.ts";
import { echoRoutes, serveGrpc } from "../../support/echo-server.ts";
import { ReflectionClient } from "../../support/reflection-client.ts";
import { timed } from "../../support/wait.ts";

async function reflection(version: "v1" | "v1alpha" = "v1") {
  const listener = await serveGrpc(
    {},
    {
      reflection: {},
      health: createHealth([]),
      routes: (router) => echoRoutes()(router).service(UserService, {}).service(AuthenticationService, {}),
    },
  );
  return { listener, client: new ReflectionClient(listener.address, version) };
}

function parse(files: readonly Uint8Array[]): FileDescriptorProto[] {
  return files.map((file) => fromBinary(FileDescriptorProtoSchema, file));
}

describe.each(["v1", "v1alpha"] as const)("reflection %s", (version) => {
  it("lists our services and health", async () => {
    const { client } = await reflection(version);
    expect(await client.list()).toEqual([
      "echo.v1.EchoService",
      "auth.v1.UserService",
      "auth.v1.AuthenticationService",
      "grpc.health.v1.Health",
    ]);
  });

  it("answers many questions on one stream, in order", async () => {
    const { client } = await reflection(version);
    const answers = await client.ask(
      { listServices: "" },
      { fileContainingSymbol: "no.such.Symbol" },
      { fileByFilename: "auth/v1/user.proto" },
    );
    expect(answers.map((answer) => answer.messageResponse)).toEqual([
      "listServicesResponse",
      "errorResponse",
      "fileDescriptorResponse",
    ]);
  });
});

describe("a file", () => {
  it("is served as it was generated: rules, field behaviour and all", async () => {
    const { client } = await reflection();
    const [first] = await client.files({ fileContainingSymbol: "auth.v1.UserService" });
    expect(Buffer.from(first ?? [])).toEqual(
      Buffer.from(toBinary(FileDescriptorProtoSchema, UserService.file.proto)),
    );
  });

  it.each([
    ["a service", "auth.v1.UserService"],
    ["a method", "auth.v1.UserService.CreateUser"],
    ["a message", "auth.v1.CreateUserRequest"],
    ["a field", "auth.v1.CreateUserRequest.password"],
    ["a nested message", "auth.v1.BatchGetUsersRequest.Key"],
  ])("is found by %s of it", async (_name, symbol) => {
    const { client } = await reflection();
    const [first] = parse(await client.files({ fileContainingSymbol: symbol }));
    expect(first?.name).toBe("auth/v1/user_service.proto");
  });

  it("comes with all that it imports, and with the types of error details", async () => {
    const { client } = await reflection();
    for (const symbol of ["auth.v1.AuthenticationService", "echo.v1.EchoService"]) {
      const files = parse(await client.files({ fileContainingSymbol: symbol }));
      const names = files.map((file) => file.name);
      expect(names).toContain("google/rpc/error_details.proto");
      expect(names).toEqual(expect.arrayContaining(files.flatMap((file) => file.dependency)));
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it("is found by an extension in it", async () => {
    const { client } = await reflection();
    const extendee = "google.protobuf.FieldOptions";
    const numbers = await client.extensionNumbers(extendee);
    expect(numbers).toContain(1159);
    const question = { fileContainingExtension: { containingType: extendee, extensionNumber: 1159 } };
    const [first] = parse(await client.files(question));
    expect(first?.name).toBe("buf/validate/validate.proto");
  });

  it("of health is one that protobuf's own tools accept", async () => {
    const { client } = await reflection();
    const [file] = parse(await client.files({ fileContainingSymbol: "grpc.health.v1.Health" }));
    const list = file?.messageType.find((message) => message.name === "HealthListResponse");
    expect(list?.nestedType[0]?.name).toBe("StatusesEntry");
    expect(list?.field[0]?.typeName).toBe(".grpc.health.v1.HealthListResponse.StatusesEntry");
    expect(file?.service[0]?.method.map((method) => method.name)).toEqual(["Check", "Watch", "List"]);
  });
});

it.each([
  { fileContainingSymbol: "constructor" },
  { fileContainingSymbol: "__proto__" },
  { fileContainingSymbol: "" },
  { fileByFilename: "../../etc/passwd" },
  { fileByFilename: "__proto__" },
  { fileContainingExtension: { containingType: "constructor", extensionNumber: 1 } },
  { fileContainingExtension: { containingType: "auth.v1.User", extensionNumber: -1 } },
  { allExtensionNumbersOfType: "constructor" },
])("knows nothing of %j", async (question) => {
  const { client } = await reflection();
  const [answer] = await client.ask(question);
  expect(answer?.errorResponse).toMatchObject({ errorCode: 5 });
});

it("does not hold up a drain", async () => {
  const { client, listener } = await reflection();
  const stream = client.open();
  stream.write({ listServices: "" });
  await new Promise((resolve) => stream.once("data", resolve));
  const ended = new Promise((resolve) => stream.once("status", resolve));
  const { ms } = await timed(() => listener.drain(5_000));
  expect(ms).toBeLessThan(1_000);
  expect(await ended).toMatchObject({ code: 0 });
});
