import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { CreateUserRequestSchema } from "../../../src/gen/auth/v1/user_service_pb.ts";
import { ImportUsersRequestSchema } from "../../../src/gen/auth/v1/user_transfer_service_pb.ts";
import { aCall } from "../../support/calls.ts";
import { enveloped, type RawCall, serveApi } from "../../support/served-api.ts";

const unary = "UserService/CreateUser";
const clientStream = "UserTransferService/ImportUsers";
const encoded = (text: string, encoding: BufferEncoding) => Buffer.from(text, encoding);
/** A user whose name is not ASCII, in JSON. */
const userJson = '{"user":{"username":"ada","displayName":"J\xfcrg"}}';
const rowJson = `{"users":[${userJson}]}`;

/** A binary message in which one byte of a string is not UTF-8. */
const broken = (bytes: Uint8Array) => {
  const copy = Buffer.from(bytes);
  copy[copy.indexOf("#")] = 0xfc;
  return copy;
};
const user = { username: "ada", displayName: "J#rg" };
const userBytes = broken(toBinary(CreateUserRequestSchema, create(CreateUserRequestSchema, { user })));
const rowBytes = broken(
  toBinary(ImportUsersRequestSchema, create(ImportUsersRequestSchema, { users: [{ user }] })),
);
const withAttributes = (attributes: Record<string, string>) =>
  broken(
    toBinary(
      CreateUserRequestSchema,
      create(CreateUserRequestSchema, { user: { username: "ada", attributes } }),
    ),
  );

const json: [name: string, call: RawCall][] = [
  ["Connect", { method: unary, contentType: "application/json", body: encoded(userJson, "latin1") }],
  [
    "Connect, compressed",
    {
      method: unary,
      contentType: "application/json",
      body: gzipSync(encoded(userJson, "latin1")),
      headers: { "content-encoding": "gzip" },
    },
  ],
  [
    "gRPC-Web",
    { method: unary, contentType: "application/grpc-web+json", body: enveloped(encoded(userJson, "latin1")) },
  ],
  [
    "a stream of gRPC-Web",
    {
      method: clientStream,
      contentType: "application/grpc-web+json",
      body: enveloped(encoded(rowJson, "latin1")),
    },
  ],
  [
    "a stream of Connect",
    {
      method: clientStream,
      contentType: "application/connect+json",
      body: enveloped(encoded(rowJson, "latin1")),
    },
  ],
];

const binary: [name: string, call: RawCall, field: string, offset: number][] = [
  ["Connect", { method: unary, contentType: "application/proto", body: userBytes }, "user.display_name", 1],
  [
    "gRPC",
    { method: unary, contentType: "application/grpc", body: enveloped(userBytes) },
    "user.display_name",
    1,
  ],
  [
    "gRPC-Web",
    { method: unary, contentType: "application/grpc-web", body: enveloped(userBytes) },
    "user.display_name",
    1,
  ],
  [
    "a stream of gRPC",
    { method: clientStream, contentType: "application/grpc", body: enveloped(rowBytes) },
    "users.user.display_name",
    1,
  ],
  [
    "a stream of Connect",
    { method: clientStream, contentType: "application/connect+proto", body: enveloped(rowBytes) },
    "users.user.display_name",
    1,
  ],
  [
    "a value of a map",
    { method: unary, contentType: "application/proto", body: withAttributes({ city: "K#ln" }) },
    "user.attributes",
    1,
  ],
  [
    "a key of a map",
    { method: unary, contentType: "application/proto", body: withAttributes({ "stra#e": "x" }) },
    "user.attributes",
    4,
  ],
];

const usersOf = async ({ services }: Awaited<ReturnType<typeof serveApi>>) =>
  services.users.get(aCall(), { kind: "username", value: "ada" }).catch(({ reason }) => reason);

describe("a request that is not UTF-8 is refused with the offset, and changes nothing", () => {
  test.each(json)("JSON over %s", async (_name, call) => {
    const api = await serveApi();
    const { code, reason, message, fields } = await api.send(call);
    const offset = call.method === unary ? userJson.indexOf("\xfc") : rowJson.indexOf("\xfc");
    expect({ code, reason, fields }).toEqual({
      code: Code.InvalidArgument,
      reason: "INVALID_REQUEST",
      fields: [""],
    });
    expect(message).toMatch(
      new RegExp(
        `^request is not a valid auth\\.v1\\.\\w+: not UTF-8 at byte ${offset}, looks like Latin-1$`,
      ),
    );
    expect(await usersOf(api)).toBe("USER_NOT_FOUND");
  });

  test.each(binary)("protobuf over %s", async (_name, call, field, offset) => {
    const api = await serveApi();
    const { code, reason, message, fields } = await api.send(call);
    expect({ code, reason, fields }).toEqual({
      code: Code.InvalidArgument,
      reason: "INVALID_REQUEST",
      fields: [field],
    });
    expect(message).toMatch(
      new RegExp(
        `^request is not a valid auth\\.v1\\.\\w+: ${field}: not UTF-8 at byte ${offset}, looks like Latin-1$`,
      ),
    );
    expect(await usersOf(api)).toBe("USER_NOT_FOUND");
  });

  test.each([
    ["of UTF-16 as UTF-16", encoded(userJson, "utf16le"), "UTF-16LE"],
    [
      "of Windows as Windows-1252",
      encoded('{"user":{"displayName":"\x93J\xfcrg\x94"}}', "latin1"),
      "Windows-1252",
    ],
    [
      "with half a surrogate pair as CESU-8",
      encoded('{"user":{"displayName":"\xed\xa0\xbd"}}', "latin1"),
      "CESU-8",
    ],
  ])("JSON %s", async (_name, body, looksLike) => {
    const api = await serveApi();
    const { message } = await api.send({ method: unary, contentType: "application/json", body });
    expect(message).toMatch(new RegExp(`: not UTF-8 at byte \\d+, looks like ${looksLike}$`));
  });

  test.each([
    ["percent-encoded", "message=%7B%22id%22%3A%22J%FCrg%22%7D"],
    ["in base64", `base64=1&message=${encoded('{"id":"J\xfcrg"}', "latin1").toString("base64url")}`],
  ])("JSON in the query of a GET, %s", async (_name, query) => {
    const api = await serveApi();
    const answer = await api.get(`UserService/GetUser?connect=v1&encoding=json&${query}`);
    expect(answer).toMatchObject({ code: Code.InvalidArgument, reason: "INVALID_REQUEST", fields: [""] });
    expect(answer.message).toContain("not UTF-8 at byte 8, looks like Latin-1");
  });
});

describe("JSON in UTF-8 is read as it was sent", () => {
  test.each([
    ["a name that is not ASCII", encoded(userJson, "utf8")],
    ["a byte order mark in front (RFC 8259 §8.1)", encoded(`\uFEFF${userJson}`, "utf8")],
  ])("%s", async (_name, body) => {
    const api = await serveApi();
    expect(await api.send({ method: unary, contentType: "application/json", body })).toMatchObject({
      code: 0,
    });
    expect(await usersOf(api)).toMatchObject({ displayName: "J\xfcrg" });
  });

  test("also in the query of a GET", async () => {
    const api = await serveApi();
    const query = "connect=v1&encoding=json&message=%7B%22id%22%3A%22J%C3%BCrg%22%7D";
    expect(await api.get(`UserService/GetUser?${query}`)).toMatchObject({ fields: ["id"] });
    expect(await api.get(`UserService/GetUser?${query.replace("%BC", "")}`)).toMatchObject({ fields: [""] });
  });
});

test.each([
  [unary, "application/json; charset=iso-8859-1"],
  [unary, "application/grpc-web+json; charset=iso-8859-1"],
  [clientStream, "application/connect+json; charset=iso-8859-1"],
])("another charset of %s is an unsupported media type: %s", async (method, contentType) => {
  const api = await serveApi();
  const answer = await fetch(`http://${api.httpAddress}/auth.v1.${method}`, {
    method: "POST",
    headers: { "content-type": contentType },
    body: Uint8Array.from(enveloped(encoded(userJson, "latin1"))),
  });
  expect(answer.status).toBe(415);
  expect(await usersOf(api)).toBe("USER_NOT_FOUND");
});

test("the gRPC port does not read JSON", async () => {
  const api = await serveApi();
  const body = enveloped(encoded(userJson, "latin1"));
  const { code } = await api.send({ method: unary, contentType: "application/grpc+json", body });
  expect(code).toBe(Code.InvalidArgument);
  expect(await usersOf(api)).toBe("USER_NOT_FOUND");
});
