import { randomUUID } from "node:crypto";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { AnySchema, StructSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { WatchEventsRequestSchema } from "../../../src/gen/auth/v1/event_service_pb.ts";
import { RevokeUserSessionsRequestSchema } from "../../../src/gen/auth/v1/session_service_pb.ts";
import { CreateUserRequestSchema, ListUsersRequestSchema } from "../../../src/gen/auth/v1/user_service_pb.ts";
import { ImportUsersRequestSchema } from "../../../src/gen/auth/v1/user_transfer_service_pb.ts";
import { assertKnownFields } from "../../../src/interfaces/rpc/interceptors/unknown-fields.ts";
import { enveloped, type RawCall, serveApi } from "../../support/served-api.ts";

// A field that the schema does not have was dropped: `ListUsers {"filter": {"usernamePrefix": "a"}}` listed every user.

type Unknown = readonly { readonly no: number; readonly wireType: number; readonly data: Uint8Array }[];

/** A field 99 with the text "a". */
const field99: Unknown = [{ no: 99, wireType: 2, data: Buffer.of(1, 0x61) }];

/** The bytes of a message, and of an unknown field in each part of it that `inside` picks. */
function withUnknown<Schema extends DescMessage>(
  schema: Schema,
  init: MessageInitShape<Schema>,
  inside: (message: Record<string, unknown>) => readonly unknown[],
): Buffer {
  const message = create(schema, init);
  for (const part of inside(message as Record<string, unknown>)) {
    (part as { $unknown?: Unknown }).$unknown = field99;
  }
  return Buffer.from(toBinary(schema, message));
}

interface Case {
  readonly method: string;
  readonly isStream?: boolean;
  readonly binary: Buffer;
  readonly binaryFields: readonly string[];
  readonly json: unknown;
  readonly jsonFields: readonly string[];
}

const userId = randomUUID();

const cases: Record<string, Case> = {
  "at the top": {
    method: "SessionService/RevokeUserSessions",
    binary: withUnknown(RevokeUserSessionsRequestSchema, { userId }, (message) => [message]),
    binaryFields: ["99"],
    json: { userId, exceptSession: randomUUID() },
    jsonFields: ["exceptSession"],
  },
  "in a message": {
    method: "UserService/ListUsers",
    binary: withUnknown(ListUsersRequestSchema, { filter: {} }, (message) => [message["filter"]]),
    binaryFields: ["filter.99"],
    json: { filter: { usernamePrefix: "a" } },
    jsonFields: ["filter.usernamePrefix"],
  },
  "in a well-known type": {
    method: "UserService/ListUsers",
    binary: withUnknown(ListUsersRequestSchema, { filter: { createdAfter: { seconds: 1n } } }, (message) => [
      (message["filter"] as Record<string, unknown>)["createdAfter"],
    ]),
    binaryFields: ["filter.created_after.99"],
    json: { filter: { createdAfter: "1970-01-01T00:00:01Z" }, newer: 1 },
    jsonFields: ["newer"],
  },
  "in a repeated field of a stream of requests": {
    method: "UserTransferService/ImportUsers",
    isStream: true,
    binary: withUnknown(ImportUsersRequestSchema, { users: [{}, {}] }, (message) => [
      (message["users"] as unknown[])[1],
    ]),
    binaryFields: ["users[1].99"],
    json: { users: [{}, { nickname: "a" }] },
    jsonFields: ["users[1].nickname"],
  },
  "in the request of a stream of answers": {
    method: "EventService/WatchEvents",
    isStream: true,
    binary: withUnknown(WatchEventsRequestSchema, { filter: {} }, (message) => [message, message["filter"]]),
    binaryFields: ["99", "filter.99"],
    json: { newer: true, filter: { newer: [1] } },
    jsonFields: ["newer", "filter.newer"],
  },
  "with a name that is only nearly one": {
    method: "UserService/CreateUser",
    binary: withUnknown(CreateUserRequestSchema, { user: {} }, (message) => [message["user"]]),
    binaryFields: ["user.99"],
    json: { User: {}, user: { userName: "a" } },
    jsonFields: ["User", "user.userName"],
  },
};

function callsOf({ method, isStream = false, binary, json, binaryFields, jsonFields }: Case) {
  const text = Buffer.from(JSON.stringify(json));
  const call = (contentType: string, body: Uint8Array): RawCall => ({ method, contentType, body });
  const binaries = [
    call("application/grpc", enveloped(binary)),
    call("application/grpc-web+proto", enveloped(binary)),
    isStream ? call("application/connect+proto", enveloped(binary)) : call("application/proto", binary),
  ];
  const texts = [
    call("application/grpc-web+json", enveloped(text)),
    isStream ? call("application/connect+json", enveloped(text)) : call("application/json", text),
  ];
  return [
    ...binaries.map((each) => [each, binaryFields] as const),
    ...texts.map((each) => [each, jsonFields] as const),
  ];
}

describe("an unknown field of a request", () => {
  test.each(Object.entries(cases))(
    "%s is refused with its path, over every protocol",
    async (_where, each) => {
      const api = await serveApi();
      for (const [call, fields] of callsOf(each)) {
        const answer = await api.send(call);
        expect({ ...answer, of: call.contentType }).toEqual({
          code: Code.InvalidArgument,
          reason: "UNKNOWN_FIELD",
          fields,
          message: `${fields[0]}: unknown field`,
          of: call.contentType,
        });
      }
    },
  );

  test("in a value of a map is found, and one that an Any holds is not looked for", () => {
    const struct = create(StructSchema, { fields: { 'a "b"': { kind: { case: "numberValue", value: 1 } } } });
    Object.assign(struct.fields['a "b"'] ?? {}, { $unknown: field99 });
    expect(() => assertKnownFields(StructSchema, struct)).toThrow('fields["a \\"b\\""].99: unknown field');
    const inside = withUnknown(ListUsersRequestSchema, {}, (message) => [message]);
    const any = create(AnySchema, { typeUrl: "type.googleapis.com/auth.v1.ListUsersRequest", value: inside });
    assertKnownFields(AnySchema, any);
  });

  test("in the query of a GET is refused", async () => {
    const api = await serveApi();
    const message = encodeURIComponent(JSON.stringify({ id: userId, view: "FULL" }));
    expect(await api.get(`UserService/GetUser?encoding=json&message=${message}`)).toMatchObject({
      reason: "UNKNOWN_FIELD",
      fields: ["view"],
    });
  });

  test("is named twenty times at most", async () => {
    const api = await serveApi();
    const json = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`newer_${i}`, true]));
    const { fields, reason } = await api.send({
      method: "UserService/GetUser",
      contentType: "application/json",
      body: Buffer.from(JSON.stringify(json)),
    });
    expect(reason).toBe("UNKNOWN_FIELD");
    expect(fields).toEqual(Array.from({ length: 20 }, (_, i) => `newer_${i}`));
  });

  test.each([
    "x".repeat(41),
    "auth_sa_".padEnd(78, "k"),
    "correct horse battery staple",
    "\ud800",
    "",
    "a.b",
  ])("is not named if its name does not look like one, and could be a secret: %j", async (key) => {
    const api = await serveApi();
    const { fields, reason, message } = await api.send({
      method: "UserService/CreateUser",
      contentType: "application/json",
      body: Buffer.from(JSON.stringify({ user: { [key]: 1 } })),
    });
    expect({ fields, reason, message }).toEqual({
      fields: ["user.?"],
      reason: "UNKNOWN_FIELD",
      message: "user.?: unknown field",
    });
  });

  test("means that nothing is carried out", async () => {
    const api = await serveApi();
    await api.send({
      method: "UserService/CreateUser",
      contentType: "application/json",
      body: Buffer.from(JSON.stringify({ user: { username: "ada" }, validateNot: true })),
    });
    const body = Buffer.from("{}");
    const listed = await fetch(`http://${api.httpAddress}/auth.v1.UserService/ListUsers`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    expect(await listed.json()).toEqual({});
  });
});

test("an unknown name of an enum value is not dropped", async () => {
  const api = await serveApi();
  const answer = await api.send({
    method: "UserService/ListUsers",
    contentType: "application/json",
    body: Buffer.from('{"filter":{"state":"STATE_ARCHIVED"}}'),
  });
  expect(answer).toMatchObject({ code: Code.InvalidArgument, reason: "INVALID_REQUEST" });
});
