import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { beforeEach, describe, expect, test } from "vitest";
import { User_State, type UserSchema } from "../../../src/gen/auth/v1/user_pb.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { errorOf, type RpcClients, rpcOn } from "../../support/rpc.ts";

let users: RpcClients["users"];

/** A clock that never shows one time twice: users made one after another are listed in that order. */
function tickingClock(): () => Date {
  let last = 0;
  return () => {
    last = Math.max(last + 1, Date.now());
    return new Date(last);
  };
}

beforeEach(() => {
  users = rpcOn(new InMemoryRepository(tickingClock())).users;
});

const ada = {
  email: "Ada@Example.com",
  username: "Ada",
  displayName: "Ada Lovelace",
  attributes: { team: "engines" },
};
const create = async (user: MessageInitShape<typeof UserSchema> = ada) =>
  (await users.createUser({ user })).user ?? expect.fail("no user");

describe("a user as callers see it", () => {
  test("has every field that is set, and its output-only fields are the service's to fill", async () => {
    const user = await create({
      ...ada,
      id: randomUUID(),
      state: User_State.DELETED,
      etag: "mine",
      createTime: timestampFromDate(new Date(0)),
    });
    expect(user).toMatchObject({ ...ada, state: User_State.ACTIVE, etag: "1" });
    expect(user.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(timestampDate(user.createTime!).getTime()).toBeGreaterThan(Date.now() - 10_000);
    expect(user.suspension).toBeUndefined();
    expect(user.deleteTime).toBeUndefined();
    expect((await users.getUser({ id: user.id })).user).toEqual(user);
  });

  test("has empty fields for what is absent", async () => {
    expect(await create({ username: "ada" })).toMatchObject({ email: "", displayName: "", attributes: {} });
  });

  test("shows its suspension exactly while that is in force", async () => {
    const { id } = await create();
    const untilTime = timestampFromDate(new Date("2999-01-01T00:00:00.123Z"));
    const { user: suspended } = await users.suspendUser({ id, reason: "fraud", untilTime });
    expect(suspended).toMatchObject({
      state: User_State.SUSPENDED,
      suspension: { reason: "fraud", untilTime },
    });
    expect(suspended?.suspension?.startTime).toEqual(suspended?.updateTime);
    const { user: deleted } = await users.deleteUser({ id });
    expect(deleted?.state).toBe(User_State.DELETED);
    expect(deleted?.suspension).toBeUndefined();
    expect(deleted?.deleteTime).toEqual(deleted?.updateTime);
    const { user: undeleted } = await users.undeleteUser({ id });
    expect(undeleted?.state).toBe(User_State.SUSPENDED);
    expect(undeleted?.deleteTime).toBeUndefined();
    const { user: active } = await users.unsuspendUser({ id });
    expect(active?.state).toBe(User_State.ACTIVE);
    expect(active?.suspension).toBeUndefined();
  });
});

describe("finding users", () => {
  test("LookupUser by email and by username", async () => {
    const user = await create();
    for (const identifier of [
      { case: "email", value: "ADA@EXAMPLE.COM" },
      { case: "username", value: "ａｄａ" },
    ] as const) {
      expect((await users.lookupUser({ identifier })).user).toEqual(user);
    }
    const missing = users.lookupUser({ identifier: { case: "username", value: "nobody" } });
    expect(await errorOf(missing)).toMatchObject({ code: Code.NotFound, reason: "USER_NOT_FOUND" });
  });

  test("BatchGetUsers has a result for each key, in order", async () => {
    const user = await create();
    const { results } = await users.batchGetUsers({
      keys: [
        { key: { case: "id", value: randomUUID() } },
        { key: { case: "email", value: "ada@example.com" } },
        { key: { case: "email", value: "@@" } },
        { key: { case: "id", value: user.id } },
      ],
    });
    expect(
      results.map(({ result }) => [
        result.case,
        result.case === "error" ? result.value.reason : result.value,
      ]),
    ).toEqual([
      ["error", "USER_NOT_FOUND"],
      ["user", user],
      ["error", "EMAIL_INVALID"],
      ["user", user],
    ]);
  });

  test("ListUsers pages, filters and orders as it is asked to", async () => {
    const created = [];
    for (let i = 0; i < 5; i++) created.push(await create({ email: `user${i}@example.com` }));
    await users.deleteUser({ id: created[4]?.id ?? "" });
    await users.suspendUser({ id: created[3]?.id ?? "", reason: "r" });
    const emails = async (request: Parameters<typeof users.listUsers>[0]) =>
      (await users.listUsers(request)).users.map(({ email }) => email.replace("@example.com", ""));

    expect(await emails({})).toEqual(["user0", "user1", "user2", "user3"]);
    expect(await emails({ orderBy: "create_time desc", showDeleted: true, pageSize: 2 })).toEqual([
      "user4",
      "user3",
    ]);
    const byId = created.map(({ id, email }) => [id, email.replace("@example.com", "")] as const).sort();
    expect(await emails({ orderBy: "id", showDeleted: true })).toEqual(byId.map(([, name]) => name));
    expect(await emails({ orderBy: "id desc", showDeleted: true })).toEqual(
      byId.map(([, name]) => name).reverse(),
    );
    expect(await emails({ filter: { state: User_State.SUSPENDED } })).toEqual(["user3"]);
    expect(await emails({ filter: { state: User_State.DELETED }, showDeleted: true })).toEqual(["user4"]);
    expect(await emails({ filter: { emailPrefix: "USER2" } })).toEqual(["user2"]);
    expect(
      await emails({ filter: { createdAfter: timestampFromDate(new Date(Date.now() + 60_000)) } }),
    ).toEqual([]);
    expect(
      await emails({ filter: { createdBefore: timestampFromDate(new Date(Date.now() - 60_000)) } }),
    ).toEqual([]);

    const first = await users.listUsers({ pageSize: 3 });
    const second = await users.listUsers({ pageSize: 3, pageToken: first.nextPageToken });
    expect(second.users.map(({ email }) => email)).toEqual(["user3@example.com"]);
    expect(second.nextPageToken).toBe("");
  });
});

describe("changing users", () => {
  test("UpdateUser changes what the mask names and honours the etag", async () => {
    const user = await create();
    const update = (etag: string) =>
      users.updateUser({
        user: { id: user.id, etag, displayName: "Countess", username: "ignored" },
        updateMask: { paths: ["display_name"] },
      });
    const { user: updated } = await update(user.etag);
    expect(updated).toMatchObject({ displayName: "Countess", username: "Ada" });
    expect(await errorOf(update(user.etag))).toMatchObject({ code: Code.Aborted, reason: "ETAG_MISMATCH" });
  });

  test("a request id makes a mutation safe to repeat", async () => {
    const requestId = randomUUID();
    const first = await users.createUser({ user: ada, requestId });
    expect(await users.createUser({ user: ada, requestId })).toEqual(first);
    const reused = users.createUser({ user: { ...ada, username: "other" }, requestId });
    expect(await errorOf(reused)).toMatchObject({
      code: Code.FailedPrecondition,
      reason: "REQUEST_ID_REUSED",
    });
  });
});
