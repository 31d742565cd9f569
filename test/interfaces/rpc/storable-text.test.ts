import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  BatchGetUsersRequestSchema,
  CreateUserRequestSchema,
} from "../../../src/gen/auth/v1/user_service_pb.ts";
import {
  ImportUsersRequestSchema,
  type UserRecord,
  UserRecordSchema,
} from "../../../src/gen/auth/v1/user_transfer_service_pb.ts";
import { assertValid } from "../../../src/interfaces/rpc/interceptors/validate.ts";
import { toGivenRow } from "../../../src/interfaces/rpc/user-record-message.ts";
import { aCall } from "../../support/calls.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { servicesOn } from "../../support/services.ts";

const texts = [
  ["U+0000", "a\0b", "contains U+0000"],
  ["a high surrogate", "a\ud83c", "contains half a surrogate pair"],
  ["a low surrogate", "\udf89b", "contains half a surrogate pair"],
] as const;

test.each(texts)("text with %s is refused by its path: in fields, items, keys and values", (_, text, why) => {
  const refusal = (field: string) =>
    expect.objectContaining({ reason: "INVALID_REQUEST", violations: [{ field, description: why }] });
  const creating = (user: MessageInitShape<typeof CreateUserRequestSchema>["user"]) => () =>
    assertValid(
      CreateUserRequestSchema,
      create(CreateUserRequestSchema, { user: { username: "ada", ...user } }),
    );
  expect(creating({ displayName: text })).toThrow(refusal("user.display_name"));
  expect(creating({ attributes: { key: text } })).toThrow(refusal('user.attributes["key"]'));
  expect(creating({ attributes: { [text]: "" } })).toThrow(
    refusal(`user.attributes[${JSON.stringify(text)}]`),
  );
  expect(() =>
    assertValid(
      BatchGetUsersRequestSchema,
      create(BatchGetUsersRequestSchema, {
        keys: [{ key: { case: "username", value: "a" } }, { key: { case: "username", value: text } }],
      }),
    ),
  ).toThrow(refusal("keys[1].username"));
});

test("other faults are named besides", () => {
  const user = { displayName: "\0", email: "x".repeat(400) };
  expect(() => assertValid(CreateUserRequestSchema, create(CreateUserRequestSchema, { user }))).toThrow(
    expect.objectContaining({
      violations: [
        expect.objectContaining({ field: "user.display_name" }),
        expect.objectContaining({ field: "user.email" }),
      ],
    }),
  );
});

test.each(texts)("a row of an import with %s fails alone", async (_, text, why) => {
  const { users } = create(ImportUsersRequestSchema, {
    users: [
      { user: { username: "good" } },
      { user: { username: "name", displayName: text } },
      { user: { username: "value", attributes: { key: text } } },
      { user: { username: "key", attributes: { [text]: "" } } },
      { user: { username: "reason", suspension: { reason: text } } },
      { user: { username: "hash" }, passwordHash: text },
      { user: { username: text } },
      { user: { username: "also-good" } },
    ],
  });
  assertValid(ImportUsersRequestSchema, create(ImportUsersRequestSchema, { users }));
  const { transfers } = servicesOn(new InMemoryRepository());
  const rows = users.map((message: UserRecord) => toGivenRow(create(UserRecordSchema, message)));
  const results = await transfers
    .beginImport({ requestId: undefined, validateOnly: false })
    .add(aCall(), rows);
  const messages = results.map((row) => ("refused" in row ? row.refused.message : ""));
  expect(messages).toEqual([
    "",
    `user.display_name: ${why}`,
    `user.attributes["key"]: ${why}`,
    `user.attributes[${JSON.stringify(text)}]: ${why}`,
    `user.suspension.reason: ${why}`,
    expect.stringMatching(/^password_hash: /),
    `user.username: ${why}`,
    "",
  ]);
});
