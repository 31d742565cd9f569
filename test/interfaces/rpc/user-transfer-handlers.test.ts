import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { ErrorReason } from "../../../src/gen/auth/v1/error_reason_pb.ts";
import type {
  ImportUsersRequestSchema,
  ImportUsersResponse_Result,
  UserRecord,
} from "../../../src/gen/auth/v1/user_transfer_service_pb.ts";
import { aCall } from "../../support/calls.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { errorOf, type RpcClients, rpcOn } from "../../support/rpc.ts";
import { password, servicesOn } from "../../support/services.ts";
import { hashOfPassword } from "../../support/user-records.ts";

type Message = MessageInitShape<typeof ImportUsersRequestSchema>;

const reasons = new Map<number, string>(Object.entries(ErrorReason).map(([name, value]) => [value, name]));
const opened = () => rpcOn(new InMemoryRepository());

async function* stream(messages: readonly Message[]) {
  yield* messages;
}

const send = ({ transfers }: Pick<RpcClients, "transfers">, ...messages: Message[]) =>
  transfers.importUsers(stream(messages));
const reasonOf = ({ result }: ImportUsersResponse_Result) =>
  result.case === "refusal" ? reasons.get(result.value.reason) : result.case;
const named = (...usernames: string[]) => usernames.map((username) => ({ user: { username } }));

async function exported(
  { transfers }: Pick<RpcClients, "transfers">,
  request: Parameters<RpcClients["transfers"]["exportUsers"]>[0] = {},
) {
  const users: UserRecord[] = [];
  const tokens: string[] = [];
  for await (const message of transfers.exportUsers(request)) {
    users.push(...message.users);
    tokens.push(message.nextPageToken);
  }
  return { users, tokens };
}

describe("ImportUsers", () => {
  test("answers a result for each row of all messages, in their order", async () => {
    const rpc = opened();
    const id = randomUUID();
    const { results, refusedCount } = await send(
      rpc,
      { users: [{ user: { id, username: "ada" }, passwordHash: await hashOfPassword() }] },
      { users: [...named("Ada", "grace"), {}, { user: { email: "x@" } }] },
    );
    expect(results.map(reasonOf)).toEqual([
      "userId",
      "USERNAME_TAKEN",
      "userId",
      "INVALID_REQUEST",
      "EMAIL_INVALID",
    ]);
    expect(refusedCount).toBe(3);
    expect(results[0]?.result.value).toBe(id);
    const { user } = await rpc.authentication.verifyPassword({ identifier: "ada", password });
    expect(user?.id).toBe(id);
  });

  test.each<[string, UserRecord["user"] | object]>([
    ["a display name with a line break", { displayName: "a\nb" }],
    ["a display name of 300 characters", { displayName: "a".repeat(300) }],
    ["an attribute in camel case", { attributes: { favouriteColour: "red" } }],
    [
      "33 attributes",
      { attributes: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`a${n}`, ""])) },
    ],
    ["an email of 400 bytes", { email: `${"a".repeat(400)}@example.com` }],
    ["a suspension with a line break in its reason", { suspension: { reason: "a\nb" } }],
    ["a time that is no date", { createTime: { seconds: 10n ** 17n } }],
  ])("refuses a row with %s, and no other", async (_, fields) => {
    const rows = [...named("ada"), { user: { username: "b", ...fields } }, ...named("c")] as Message["users"];
    const { results } = await send(opened(), { users: rows ?? [] });
    expect(results.map(reasonOf)).toEqual(["userId", "INVALID_REQUEST", "userId"]);
  });

  test("holds every message of the stream to its rules, and keeps what came before", async () => {
    const rpc = opened();
    const many = Array.from({ length: 501 }, (_, n) => ({ user: { username: `u${n}` } }));
    const error = await errorOf(send(rpc, { users: named("ada") }, { users: many }));
    expect(error).toMatchObject({ code: Code.InvalidArgument, reason: "INVALID_REQUEST", fields: ["users"] });
    expect((await exported(rpc)).users).toHaveLength(1);
    expect(await errorOf(send(rpc, { requestId: "7", users: named("b") }))).toMatchObject({
      fields: ["request_id"],
    });
  });

  test("has its options from the first message", async () => {
    const rpc = opened();
    const [requestId, other] = [randomUUID(), randomUUID()];
    const users = named("ada");
    expect(await errorOf(send(rpc, { users }, { users, validateOnly: true }))).toMatchObject({
      fields: ["validate_only"],
    });
    expect(await errorOf(send(rpc, { requestId, users }, { requestId: other, users }))).toMatchObject({
      fields: ["request_id"],
    });
    const checked = await send(rpc, { validateOnly: true, users: named("grace") }, { users: named("grace") });
    expect(checked.results.map(reasonOf)).toEqual(["userId", "USERNAME_TAKEN"]);
    expect((await exported(rpc)).users).toHaveLength(1);
  });

  test("sent again with its request id answers the rows that it has created with the same ids, and counts them", async () => {
    const rpc = opened();
    const requestId = randomUUID();
    const first = await send(
      rpc,
      { requestId, users: named("ada", "Ada") },
      { requestId, users: named("b") },
    );
    expect(first).toMatchObject({ refusedCount: 1, alreadyImportedCount: 0 });
    const again = await send(rpc, { requestId, users: named("ada", "Ada") }, { users: named("b") });
    expect(again).toEqual({ ...first, alreadyImportedCount: 2 });
    const others = await send(rpc, { requestId, users: named("b", "eve", "ada") });
    expect(others.results.map(reasonOf)).toEqual(["userId", "userId", "userId"]);
    expect(others).toMatchObject({ refusedCount: 0, alreadyImportedCount: 2 });
    expect((await exported(rpc)).users).toHaveLength(3);
  });

  test("of nothing answers nothing; a message without rows, which would be a transaction, is refused", async () => {
    expect((await send(opened())).results).toEqual([]);
    expect(await errorOf(send(opened(), {}))).toMatchObject({ reason: "INVALID_REQUEST", fields: ["users"] });
  });

  test("leaves no hash in the log", async () => {
    const rpc = opened();
    const passwordHash = await hashOfPassword();
    await send(rpc, {
      users: [{ user: { username: "ada" }, passwordHash }, { passwordHash: "secret-hash" }],
    });
    expect(JSON.stringify(rpc.log)).not.toMatch(/argon2|secret-hash/);
    expect(rpc.log.at(-1)?.fields).toMatchObject({
      method: "auth.v1.UserTransferService/ImportUsers",
      code: "OK",
    });
  });
});

describe("ExportUsers", () => {
  const past = timestampFromDate(new Date("2015-01-02T03:04:05.678Z"));

  test("answers users as they can be imported elsewhere, and their passwords with them", async () => {
    const [here, there] = [opened(), opened()];
    const suspension = { reason: "fraud", startTime: past };
    await send(here, {
      users: [
        {
          user: { username: "ada", createTime: past, attributes: { a: "b" } },
          passwordHash: await hashOfPassword(),
        },
        { user: { email: "Grace@Example.com", suspension, displayName: "Grace" } },
        { user: { username: "gone", deleteTime: past } },
      ],
    });
    const moved = await exported(here, { includePasswordHashes: true, showDeleted: true });
    expect(moved.users).toHaveLength(3);
    const { refusedCount } = await send(there, { users: moved.users });
    expect(refusedCount).toBe(0);
    const same = await exported(there, { includePasswordHashes: true, showDeleted: true });
    const comparable = ({ users }: typeof moved) =>
      users.map(({ user, passwordHash }) => ({ user: { ...user, updateTime: undefined }, passwordHash }));
    expect(comparable(same)).toEqual(comparable(moved));
    const { user } = await there.authentication.verifyPassword({ identifier: "ada", password });
    expect(user?.createTime).toEqual(past);
  });

  test("has no hashes that nobody has asked for, and no deleted users", async () => {
    const rpc = opened();
    const rows = [{ user: { username: "ada" }, passwordHash: await hashOfPassword() }];
    await send(rpc, { users: [...rows, { user: { username: "gone", deleteTime: past } }] });
    const { users } = await exported(rpc);
    expect(users.map(({ user, passwordHash }) => [user?.username, passwordHash])).toEqual([["ada", ""]]);
    expect((await exported(rpc, { filter: { emailPrefix: "x" } })).users).toEqual([]);
  });

  test("is in the order of ids, each user once, and goes on behind any message", async () => {
    const rpc = opened();
    const names = Array.from({ length: 1_200 }, (_, n) => `user-${n}`);
    for (let at = 0; at < names.length; at += 400) {
      await send(rpc, { users: named(...names.slice(at, at + 400)) });
    }
    const { users, tokens } = await exported(rpc);
    const ids = users.map(({ user }) => user?.id ?? "");
    expect(ids).toEqual([...new Set(ids)].sort());
    expect(ids).toHaveLength(1_200);
    expect(tokens.map((token) => token !== "")).toEqual([true, true, false]);
    const rest = await exported(rpc, { pageToken: tokens[0] ?? "" });
    expect(rest.users.map(({ user }) => user?.id)).toEqual(ids.slice(500));
    const wrong = exported(rpc, { pageToken: tokens[0] ?? "", showDeleted: true });
    expect(await errorOf(wrong)).toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
    const listed = rpc.users.listUsers({ pageToken: tokens[0] ?? "", orderBy: "id" });
    expect(await errorOf(listed)).toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
  });

  test("of nobody is one message, so that its end is seen", async () => {
    expect((await exported(opened())).tokens).toEqual([""]);
  });

  test("takes a permission of its own for hashes, and is on record with them", async () => {
    const repository = new InMemoryRepository();
    const { transfers } = servicesOn(repository);
    const exporting = (includePasswordHashes: boolean, ...grants: string[]) =>
      transfers
        .export(
          { ...aCall(), may: (grant) => grants.includes(grant) },
          { ...everybody, includePasswordHashes },
        )
        .next();
    expect((await exporting(false, "users.export")).done).toBe(false);
    await expect(exporting(true, "users.export")).rejects.toMatchObject({
      reason: "PERMISSION_DENIED",
      message: expect.stringContaining("users.exportHashes"),
    });
    expect(await repository.read(aCall()).events.list(everyEvent)).toEqual([]);
    expect((await exporting(true, "users.export", "users.exportHashes")).done).toBe(false);
    expect(await repository.read(aCall()).events.list(everyEvent)).toMatchObject([
      { type: "password-hashes.exported", caller: aCall().origin.caller },
    ]);
  });
});

const everybody = {
  state: undefined,
  createdAfter: undefined,
  createdBefore: undefined,
  emailPrefix: undefined,
  showDeleted: false,
  pageToken: "",
};

const everyEvent = {
  userId: undefined,
  types: [],
  outcome: undefined,
  caller: undefined,
  createdAfter: undefined,
  createdBefore: undefined,
  after: undefined,
  limit: 10,
};
