import { randomUUID } from "node:crypto";
import { Code } from "@connectrpc/connect";
import { beforeEach, describe, expect, test } from "vitest";
import { aCall } from "../../support/calls.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { errorOf, type RpcClients, rpcOn } from "../../support/rpc.ts";
import { unguessable } from "../../support/unguessable.ts";

let clients: RpcClients;
let repository: InMemoryRepository;

beforeEach(() => {
  repository = new InMemoryRepository();
  clients = rpcOn(repository);
});

const id = randomUUID();
const attributes = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`a${i}`, ""]));
const mask = { paths: ["display_name"] };

interface BadRequest {
  readonly name: string;
  readonly call: (clients: RpcClients) => Promise<unknown>;
  readonly fields: readonly string[];
  readonly reason?: string;
}

/** One call that is wrong, and the fields that the answer must name. */
const bad = (
  name: string,
  fields: string[],
  call: BadRequest["call"],
  reason = "INVALID_REQUEST",
): BadRequest => ({
  name,
  fields,
  call,
  reason,
});

const badRequests: BadRequest[] = [
  bad("CreateUser without a user", ["user"], ({ users }) => users.createUser({})),
  bad("CreateUser without an identifier", ["user.email"], ({ users }) =>
    users.createUser({ user: { displayName: "x" } }),
  ),
  bad("an email that is too long", ["user.email"], ({ users }) =>
    users.createUser({ user: { email: `${"a".repeat(320)}@x.com` } }),
  ),
  bad(
    "an email that is none",
    ["user.email"],
    ({ users }) => users.createUser({ user: { email: "ada" } }),
    "EMAIL_INVALID",
  ),
  bad(
    "a username that is none",
    ["user.username"],
    ({ users }) => users.createUser({ user: { username: "a b" } }),
    "USERNAME_INVALID",
  ),
  bad("a display name with a line break", ["user.display_name"], ({ users }) =>
    users.createUser({ user: { username: "a", displayName: "a\nb" } }),
  ),
  bad("a display name with NUL", ["user.display_name"], ({ users }) =>
    users.createUser({ user: { username: "a", displayName: "a\0b" } }),
  ),
  bad("an attribute with NUL", ['user.attributes["a"]'], ({ users }) =>
    users.createUser({ user: { username: "a", attributes: { a: "\0" } } }),
  ),
  bad("an attribute's key in capitals", ['user.attributes["Key"]'], ({ users }) =>
    users.createUser({ user: { username: "a", attributes: { Key: "" } } }),
  ),
  bad("33 attributes", ["user.attributes"], ({ users }) =>
    users.createUser({ user: { username: "a", attributes } }),
  ),
  bad("a request id that is no UUID", ["request_id"], ({ users }) =>
    users.createUser({ user: { username: "a" }, requestId: "1" }),
  ),
  bad(
    "a password of 14 characters",
    ["password"],
    ({ users }) => users.createUser({ user: { username: "a" }, password: unguessable(14) }),
    "PASSWORD_UNACCEPTABLE",
  ),
  bad(
    "a password of 257 characters",
    ["password"],
    ({ users }) => users.createUser({ user: { username: "a" }, password: unguessable(257) }),
    "PASSWORD_UNACCEPTABLE",
  ),
  bad("a password of 1,025 bytes", ["password"], ({ users }) =>
    users.createUser({ user: { username: "a" }, password: "é".repeat(513) }),
  ),
  bad("several faults at once", ["user.display_name", "request_id"], ({ users }) =>
    users.createUser({ user: { username: "a", displayName: "\n" }, requestId: "x" }),
  ),
  bad("GetUser with an id that is no UUID", ["id"], ({ users }) => users.getUser({ id: "1' or '1'='1" })),
  bad("GetUser without an id", ["id"], ({ users }) => users.getUser({})),
  bad("LookupUser without an identifier", ["identifier"], ({ users }) => users.lookupUser({})),
  bad("LookupUser with an empty identifier", ["email"], ({ users }) =>
    users.lookupUser({ identifier: { case: "email", value: "" } }),
  ),
  bad("BatchGetUsers of none", ["keys"], ({ users }) => users.batchGetUsers({})),
  bad("BatchGetUsers of 1,001", ["keys"], ({ users }) =>
    users.batchGetUsers({ keys: Array.from({ length: 1_001 }, () => ({ key: { case: "id", value: id } })) }),
  ),
  bad("BatchGetUsers of an id that is no UUID", ["keys[1].id"], ({ users }) =>
    users.batchGetUsers({ keys: [{ key: { case: "id", value: id } }, { key: { case: "id", value: "x" } }] }),
  ),
  bad("BatchGetUsers of nothing", ["keys[0].key"], ({ users }) => users.batchGetUsers({ keys: [{}] })),
  bad("a page size of -1", ["page_size"], ({ users }) => users.listUsers({ pageSize: -1 })),
  bad("an order that there is not", ["order_by"], ({ users }) => users.listUsers({ orderBy: "email" })),
  bad("a state that there is not", ["filter.state"], ({ users }) =>
    users.listUsers({ filter: { state: 9 as never } }),
  ),
  bad("deleted users without show_deleted", ["filter.state"], ({ users }) =>
    users.listUsers({ filter: { state: 3 } }),
  ),
  bad("an email prefix with NUL", ["filter.email_prefix"], ({ users }) =>
    users.listUsers({ filter: { emailPrefix: "\0" } }),
  ),
  bad("a time after 9999", ["filter.created_after"], ({ users }) =>
    users.listUsers({ filter: { createdAfter: { seconds: 253402300800n } } }),
  ),
  bad(
    "a forged page token",
    ["page_token"],
    ({ users }) => users.listUsers({ pageToken: "forged" }),
    "PAGE_TOKEN_INVALID",
  ),
  bad("UpdateUser without a mask", ["update_mask"], ({ users }) => users.updateUser({ user: { id } })),
  bad("UpdateUser without an id", ["user.id"], ({ users }) =>
    users.updateUser({ user: {}, updateMask: mask }),
  ),
  bad("UpdateUser without a user", ["user"], ({ users }) => users.updateUser({ updateMask: mask })),
  bad("DeleteUser with an id that is no UUID", ["id"], ({ users }) => users.deleteUser({ id: "x" })),
  bad("UndeleteUser with an id that is no UUID", ["id"], ({ users }) => users.undeleteUser({ id: "x" })),
  bad("SuspendUser without a reason", ["reason"], ({ users }) => users.suspendUser({ id })),
  bad("SuspendUser with an id that is no UUID", ["id"], ({ users }) =>
    users.suspendUser({ id: "x", reason: "r" }),
  ),
  bad("UnsuspendUser with an id that is no UUID", ["id"], ({ users }) => users.unsuspendUser({ id: "x" })),
  bad("VerifyPassword without an identifier", ["identifier"], ({ authentication }) =>
    authentication.verifyPassword({ password: "x" }),
  ),
  bad("VerifyPassword with a password of 0 bytes", ["password"], ({ authentication }) =>
    authentication.verifyPassword({ identifier: "x" }),
  ),
  bad("VerifyPassword with a password of 1,025 bytes", ["password"], ({ authentication }) =>
    authentication.verifyPassword({ identifier: "x", password: "x".repeat(1_025) }),
  ),
  bad("SetPassword with an id that is no UUID", ["user_id"], ({ authentication }) =>
    authentication.setPassword({ userId: "x", password: "x" }),
  ),
  bad("SetPassword with a password of 0 bytes", ["password"], ({ authentication }) =>
    authentication.setPassword({ userId: id }),
  ),
  bad(
    "SetPassword with a password of 14 characters",
    ["password"],
    ({ authentication }) => authentication.setPassword({ userId: id, password: unguessable(14) }),
    "PASSWORD_UNACCEPTABLE",
  ),
  bad("ChangePassword with nothing", ["user_id", "current_password", "new_password"], ({ authentication }) =>
    authentication.changePassword({}),
  ),
  bad(
    "ChangePassword with a new password that is too short",
    ["new_password"],
    ({ authentication }) =>
      authentication.changePassword({ userId: id, currentPassword: "x", newPassword: unguessable(14) }),
    "PASSWORD_UNACCEPTABLE",
  ),
  bad(
    "ChangePassword with a new password that is common",
    ["new_password"],
    ({ authentication }) =>
      authentication.changePassword({ userId: id, currentPassword: "x", newPassword: "Qwerty123456789" }),
    "PASSWORD_UNACCEPTABLE",
  ),
  bad(
    "SetPassword with a password that is common",
    ["password"],
    ({ authentication }) => authentication.setPassword({ userId: id, password: "passwordpassword" }),
    "PASSWORD_UNACCEPTABLE",
  ),
  bad(
    "CreateUser with a password that is common and too short",
    ["password", "password"],
    ({ users }) => users.createUser({ user: { username: "a" }, password: "hunter2" }),
    "PASSWORD_UNACCEPTABLE",
  ),
  bad(
    "CreateUser with a password of the user's own names",
    ["password"],
    ({ users }) =>
      users.createUser({
        user: { email: "grace@example.com", displayName: "Grace Brewster Hopper" },
        password: "GraceBrewsterHopper1906",
      }),
    "PASSWORD_UNACCEPTABLE",
  ),
  bad("ValidatePassword for nobody", ["subject"], ({ authentication }) =>
    authentication.validatePassword({ password: "x" }),
  ),
  bad("ValidatePassword for an id that is no UUID", ["user_id"], ({ authentication }) =>
    authentication.validatePassword({ password: "x", subject: { case: "userId", value: "x" } }),
  ),
  bad("ValidatePassword with a password of 1,025 bytes", ["password"], ({ authentication }) =>
    authentication.validatePassword({ password: "x".repeat(1_025), subject: { case: "newUser", value: {} } }),
  ),
  bad(
    "ValidatePassword for names that are too long",
    ["new_user.email", "new_user.username", "new_user.display_name"],
    ({ authentication }) => {
      const long = "x".repeat(1_025);
      const value = { email: long, username: long, displayName: long };
      return authentication.validatePassword({ subject: { case: "newUser", value } });
    },
  ),
  bad("ChangePassword with a session that is no UUID", ["keep_session_id"], ({ authentication }) =>
    authentication.changePassword({ userId: id, currentPassword: "x", newPassword: "x", keepSessionId: "x" }),
  ),
];

describe("a bad request is INVALID_ARGUMENT, names its fields, and changes nothing", () => {
  test.each(badRequests)("$name", async ({ call, fields, reason }) => {
    const error = await errorOf(call(clients));
    expect(error).toMatchObject({ code: Code.InvalidArgument, reason, domain: "auth" });
    expect([...error.fields].sort()).toEqual([...fields].sort());
    expect(error.violations.every(({ description }) => description !== "")).toBe(true);
    const everyone = await repository.read(aCall()).users.list({
      state: undefined,
      createdAfter: undefined,
      createdBefore: undefined,
      emailPrefix: undefined,
      showDeleted: true,
      orderBy: "id",
      descending: false,
      after: undefined,
      limit: 10,
    });
    expect(everyone).toEqual([]);
  });

  test("what it says holds nothing that was sent as a secret", async () => {
    const secret = "s3cret-".repeat(200);
    const { authentication, users } = clients;
    for (const call of [
      users.createUser({ user: { username: "a" }, password: secret }),
      authentication.verifyPassword({ identifier: "a", password: secret }),
      authentication.setPassword({ userId: id, password: secret }),
      authentication.changePassword({ userId: id, currentPassword: secret, newPassword: secret }),
      authentication.validatePassword({ password: secret, subject: { case: "newUser", value: {} } }),
      users.createUser({ user: { username: "s3cret" }, password: "s3cret-s3cret-s3cret" }),
    ]) {
      expect(JSON.stringify(await errorOf(call))).not.toContain("s3cret");
    }
  });
});

describe("a page token", () => {
  test("is no good with another filter", async () => {
    const { users } = clients;
    await users.createUser({ user: { username: "a" } });
    await users.createUser({ user: { username: "b" } });
    const { nextPageToken: pageToken } = await users.listUsers({ pageSize: 1 });
    for (const other of [{ showDeleted: true }, { orderBy: "id" }, { filter: { emailPrefix: "a" } }]) {
      const error = await errorOf(users.listUsers({ ...other, pageToken }));
      expect(error).toMatchObject({
        code: Code.InvalidArgument,
        reason: "PAGE_TOKEN_INVALID",
        fields: ["page_token"],
      });
    }
    expect((await users.listUsers({ pageToken })).users).toHaveLength(1);
  });
});
