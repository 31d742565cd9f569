import { describe, expect, test } from "vitest";
import { CreateUserRequestSchema, ListUsersRequestSchema } from "../../../src/gen/auth/v1/user_service_pb.ts";
import { ImportUsersRequestSchema } from "../../../src/gen/auth/v1/user_transfer_service_pb.ts";
import { findImpossibleTime } from "../../../src/infrastructure/text/json-times.ts";

describe("times of a message in JSON", () => {
  test.each([
    ["at the top of a list", { users: [{}, { user: { createTime: "2021-02-31T00:00:00Z" } }] }],
    ["by the name of the field", { users: [{ user: { create_time: "2021-02-28T24:00:00Z" } }] }],
    ["of another type", { users: [{ user: { createTime: 5 } }] }],
  ])("an impossible one is found %s", (_, json) => {
    expect(findImpossibleTime(ImportUsersRequestSchema, json)).toBe("users.user.create_time");
  });

  test("possible ones, null and text of other fields are not", () => {
    const user = {
      displayName: "2021-02-31T00:00:00Z",
      createTime: "2021-02-28T00:00:00Z",
      deleteTime: null,
    };
    const users = [
      { user: { ...user, attributes: { day: "2021-02-31T00:00:00Z" }, suspension: null } },
      null,
      5,
    ];
    expect(findImpossibleTime(ImportUsersRequestSchema, { users })).toBeUndefined();
    expect(findImpossibleTime(CreateUserRequestSchema, { user, unknown: [{}] })).toBeUndefined();
    expect(findImpossibleTime(ListUsersRequestSchema, { filter: "2021" })).toBeUndefined();
  });
});
