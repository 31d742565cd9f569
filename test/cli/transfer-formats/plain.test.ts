import { create, toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { csvRecord, ownRecord } from "../../../src/cli/transfer/formats/plain.ts";
import { User_State, UserSchema } from "../../../src/gen/auth/v1/user_pb.ts";
import { readWith } from "./reading.ts";

const csv = (value: unknown) => readWith(csvRecord, value);
const own = (value: unknown) => readWith(ownRecord, value);

describe("a row of CSV", () => {
  test("has a column for each attribute", () => {
    const row = {
      id: "",
      email: "ada@example.com",
      create_time: "2015-01-02T03:04:05.678+01:00",
      suspend_reason: "left",
      "attributes.team": "engines",
      "attributes.none": "",
    };
    expect(csv(row)).toMatchObject({
      user: { email: "ada@example.com", attributes: { team: "engines" }, suspension: { reason: "left" } },
      createTime: new Date("2015-01-02T02:04:05.678Z"),
    });
    expect(csv({ username: "ada", create_time: "", suspend_reason: "" })).toMatchObject({
      createTime: undefined,
    });
  });

  test.each([
    "1609459200",
    "1609459200000",
    "2021-02-31",
    "2021-03-04",
    "n/a 2",
    "2021-03-04 05:06:07",
    "2021-03-04T05:06:07",
    "2021-02-31T00:00:00Z",
    "03/04/2021",
  ])("created at %s is refused", (create_time) => {
    expect(csv({ username: "ada", create_time })).toEqual({
      refused:
        'INVALID_REQUEST create_time: must be a time of the years 1 to 9999 in RFC 3339 with an offset, such as "2021-03-04T05:06:07Z"',
    });
  });

  test.each(["enabled", "Email", "attribute.team", "state", "suspended", "$2a$12$secret"])(
    "with a column %s is refused, without its name, which may be a value",
    (name) => {
      const { refused } = csv({ username: "ada", [name]: "x" });
      expect(refused).toMatch(
        /^INVALID_REQUEST the header: column 2 is unknown; the columns are id, email, /,
      );
      expect(refused).not.toContain("$2a");
    },
  );
});

describe("a record of this service", () => {
  test("is read with all that an export writes", () => {
    const user = create(UserSchema, { username: "ada", etag: "x", state: User_State.ACTIVE });
    const json = toJson(UserSchema, user) as object;
    expect(own({ user: { ...json, updateTime: "2021-03-04T05:06:07Z" }, passwordHash: "$x" })).toMatchObject({
      user: { username: "ada" },
      passwordHash: "$x",
    });
  });

  test.each<[object, string]>([
    [{ user: { emial: "ada@example.com" } }, "UNKNOWN_FIELD User.emial: unknown field"],
    [{ user: {}, password_hsah: "$2a" }, "UNKNOWN_FIELD UserRecord.password_hsah: unknown field"],
    [{ email: "ada@example.com" }, "UNKNOWN_FIELD UserRecord.email: unknown field"],
    [{ user: { email: 5 } }, "INVALID_REQUEST User.email: the value does not fit the field"],
    [{ user: { attributes: { a: 1 } } }, "INVALID_REQUEST User.attributes: the value does not fit the field"],
    [
      { user: { displayName: "\ud83d" } },
      "INVALID_REQUEST User.display_name: contains half a surrogate pair",
    ],
    [{ user: "ada" }, "INVALID_REQUEST User: the value does not fit the field"],
    [
      { passwordHash: ["secret"] },
      "INVALID_REQUEST UserRecord.password_hash: the value does not fit the field",
    ],
    [[], "INVALID_REQUEST the row: must be an object"],
    [
      { user: { state: "STATE_SUSPENDED" } },
      "INVALID_REQUEST user.suspension: is required in STATE_SUSPENDED",
    ],
    [{ user: { state: "STATE_DELETED" } }, "INVALID_REQUEST user.delete_time: is required in STATE_DELETED"],
  ])("is refused if it is %j", (row, refused) => {
    expect(own(row)).toEqual({ refused });
  });

  test.each([
    ["create_time", { createTime: "2021-02-31T00:00:00Z" }],
    ["create_time", { create_time: "2021-03-04T05:06:07" }],
    ["create_time", { createTime: 1_609_459_200 }],
    ["delete_time", { deleteTime: "2021-03-04T24:00:00Z" }],
    ["suspension.until_time", { suspension: { reason: "x", untilTime: "2027-02-30T00:00:00Z" } }],
  ])("is refused with a %s that does not exist: %j", (field, user) => {
    expect(own({ user })).toEqual({
      refused: `INVALID_REQUEST user.${field}: must be a time in RFC 3339 with an offset, such as "2021-03-04T05:06:07Z"`,
    });
  });

  test("keeps an attribute named like a member of every object, for the rules to refuse", () => {
    const { user } = own(JSON.parse('{"user":{"attributes":{"__proto__":"x"}}}'));
    expect(Object.keys(user?.attributes ?? {})).toEqual(["__proto__"]);
  });
});
