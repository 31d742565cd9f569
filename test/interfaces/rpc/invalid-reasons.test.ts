import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { type InvalidReason, kindOfReason } from "../../../src/domain/errors.ts";
import { ErrorReason } from "../../../src/gen/auth/v1/error_reason_pb.ts";
import { GetUserRequestSchema } from "../../../src/gen/auth/v1/user_service_pb.ts";
import { InMemoryRepository } from "../../support/in-memory-repository.ts";
import { errorOf, type RpcClients, rpcOn } from "../../support/rpc.ts";
import { password } from "../../support/services.ts";

interface Case {
  readonly name: string;
  readonly field: string;
  call(rpc: RpcClients): Promise<unknown>;
}

const past = { seconds: 1n };

async function userId({ users }: RpcClients): Promise<string> {
  const { user } = await users.createUser({ user: { username: "ada", attributes: { team: "x" } }, password });
  return user?.id ?? "";
}

async function accountId({ serviceAccounts }: RpcClients): Promise<string> {
  const { serviceAccount } = await serviceAccounts.createServiceAccount({ name: "b", roles: ["verifier"] });
  return serviceAccount?.id ?? "";
}

async function drained(messages: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of messages);
}

const masked =
  (...paths: string[]) =>
  async (rpc: RpcClients) =>
    rpc.users.updateUser({ user: { id: await userId(rpc) }, updateMask: { paths } });

/** Real calls that fail for each reason. A reason of kind "invalid" without a call does not compile. */
const cases: Record<InvalidReason, readonly Case[]> = {
  UNKNOWN_FIELD: [
    {
      name: "a field that this version does not know",
      field: "99",
      call: ({ users }) => {
        const $unknown = [{ no: 99, wireType: WireType.Varint, data: Uint8Array.of(1) }];
        return users.getUser({ ...create(GetUserRequestSchema, { id: randomUUID() }), $unknown });
      },
    },
  ],
  INVALID_REQUEST: [
    { name: "a rule of the schema", field: "id", call: ({ users }) => users.getUser({ id: "x" }) },
    {
      name: "no identifier left",
      field: "user.email",
      call: masked("username"),
    },
    {
      name: "too many attributes by a mask",
      field: "user.attributes",
      call: async (rpc) => {
        const attributes = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`a${i}`, ""]));
        const id = await userId(rpc);
        const updateMask = { paths: Object.keys(attributes).map((key) => `attributes.${key}`) };
        return rpc.users.updateUser({ user: { id, attributes }, updateMask });
      },
    },
    {
      name: "a malformed timestamp",
      field: "until_time",
      call: ({ users }) => users.suspendUser({ id: randomUUID(), reason: "x", untilTime: { nanos: -1 } }),
    },
    {
      name: "max_staleness out of range",
      field: "max_staleness",
      call: ({ tokens }) => tokens.introspectToken({ token: "x", maxStaleness: { seconds: 301n } }),
    },
    {
      name: "other options in a later message of an import",
      field: "validate_only",
      call: ({ transfers }) =>
        transfers.importUsers(
          (async function* () {
            yield { users: [{ user: { username: "a" } }] };
            yield { users: [{ user: { username: "b" } }], validateOnly: true };
          })(),
        ),
    },
    {
      name: "another request id in a later message of an import",
      field: "request_id",
      call: ({ transfers }) =>
        transfers.importUsers(
          (async function* () {
            yield { users: [{ user: { username: "a" } }], requestId: randomUUID() };
            yield { users: [{ user: { username: "b" } }], requestId: randomUUID() };
          })(),
        ),
    },
    {
      name: "too many rows in an import",
      field: "users",
      call: ({ transfers }) =>
        transfers.importUsers(
          (async function* () {
            for (let i = 0; i < 21; i++)
              yield { validateOnly: i === 0, users: Array.from({ length: 500 }, () => ({})) };
          })(),
        ),
    },
  ],
  EMAIL_INVALID: [
    {
      name: "CreateUser",
      field: "user.email",
      call: ({ users }) => users.createUser({ user: { email: "ada@" } }),
    },
    {
      name: "LookupUser",
      field: "email",
      call: ({ users }) => users.lookupUser({ identifier: { case: "email", value: "ada@" } }),
    },
    {
      name: "UpdateUser",
      field: "user.email",
      call: async (rpc) =>
        rpc.users.updateUser({
          user: { id: await userId(rpc), email: "a@" },
          updateMask: { paths: ["email"] },
        }),
    },
  ],
  USERNAME_INVALID: [
    {
      name: "CreateUser",
      field: "user.username",
      call: ({ users }) => users.createUser({ user: { username: "a b" } }),
    },
    {
      name: "LookupUser",
      field: "username",
      call: ({ users }) => users.lookupUser({ identifier: { case: "username", value: "a b" } }),
    },
  ],
  PASSWORD_UNACCEPTABLE: [
    {
      name: "CreateUser",
      field: "password",
      call: ({ users }) => users.createUser({ user: { username: "a" }, password: "hunter2hunter2!" }),
    },
    {
      name: "ChangePassword",
      field: "new_password",
      call: async (rpc) =>
        rpc.authentication.changePassword({
          userId: await userId(rpc),
          currentPassword: password,
          newPassword: "short",
        }),
    },
  ],
  PASSWORD_HASH_UNACCEPTABLE: [],
  PAGE_TOKEN_INVALID: [
    { name: "ListUsers", field: "page_token", call: ({ users }) => users.listUsers({ pageToken: "forged" }) },
    {
      name: "ListSessions",
      field: "page_token",
      call: async (rpc) => rpc.sessions.listSessions({ userId: await userId(rpc), pageToken: "forged" }),
    },
    {
      name: "ListEvents",
      field: "page_token",
      call: ({ events }) => events.listEvents({ pageToken: "forged" }),
    },
    {
      name: "ListServiceAccounts",
      field: "page_token",
      call: ({ serviceAccounts }) => serviceAccounts.listServiceAccounts({ pageToken: "forged" }),
    },
    {
      name: "ExportUsers",
      field: "page_token",
      call: ({ transfers }) => drained(transfers.exportUsers({ pageToken: "forged" })),
    },
  ],
  UPDATE_MASK_INVALID: [
    { name: "an empty mask", field: "update_mask", call: masked() },
    { name: "an unknown field", field: "update_mask", call: masked("nonsense") },
    { name: "a field that callers cannot change", field: "update_mask", call: masked("create_time") },
    { name: "an unknown attribute", field: "update_mask", call: masked("attributes.nonsense") },
  ],
  SUSPENSION_IN_PAST: [
    {
      name: "SuspendUser",
      field: "until_time",
      call: async (rpc) => rpc.users.suspendUser({ id: await userId(rpc), reason: "x", untilTime: past }),
    },
  ],
  AUDIENCE_UNKNOWN: [
    {
      name: "Authenticate",
      field: "audience",
      call: async (rpc) => {
        await userId(rpc);
        return rpc.authentication.authenticate({
          identifier: "ada",
          password,
          audience: "nonsense",
          client: { id: "test" },
        });
      },
    },
  ],
  EXPIRY_IN_PAST: [
    {
      name: "CreateServiceAccountKey",
      field: "expire_time",
      call: async (rpc) =>
        rpc.serviceAccounts.createServiceAccountKey({
          serviceAccountId: await accountId(rpc),
          expireTime: past,
        }),
    },
  ],
  ROLE_UNKNOWN: [
    {
      name: "CreateServiceAccount",
      field: "roles",
      call: ({ serviceAccounts }) => serviceAccounts.createServiceAccount({ name: "b", roles: ["nonsense"] }),
    },
    {
      name: "UpdateServiceAccount",
      field: "roles",
      call: async (rpc) =>
        rpc.serviceAccounts.updateServiceAccount({ id: await accountId(rpc), roles: ["nonsense"] }),
    },
  ],
  CURSOR_INVALID: [
    {
      name: "WatchEvents",
      field: "cursor",
      call: ({ events }) => drained(events.watchEvents({ cursor: "forged" })),
    },
  ],
};

/** Reasons that no call ends with: they are in the answer, one a row. */
const ofRows: readonly InvalidReason[] = ["PASSWORD_HASH_UNACCEPTABLE"];

describe("INVALID_ARGUMENT always names its field in a BadRequest", () => {
  test("every reason has a call that fails for it", () => {
    const reasons = Object.entries(kindOfReason).flatMap(([reason, kind]) =>
      kind === "invalid" ? [reason] : [],
    );
    expect(Object.keys(cases).sort()).toEqual(reasons.sort());
    const without = Object.entries(cases).flatMap(([reason, { length }]) => (length === 0 ? [reason] : []));
    expect(without).toEqual(ofRows);
  });

  const all = Object.entries(cases).flatMap(([reason, calls]) => calls.map((each) => ({ reason, ...each })));

  test.each(all)("$reason: $name", async ({ reason, field, call }) => {
    const error = await errorOf(call(rpcOn(new InMemoryRepository())));
    expect(error).toMatchObject({ code: Code.InvalidArgument, reason });
    expect(new Set(error.fields)).toEqual(new Set([field]));
    expect(error.violations.every(({ description }) => description !== "")).toBe(true);
  });

  test("PASSWORD_HASH_UNACCEPTABLE: a row of an import, whose message names the field", async () => {
    const { transfers } = rpcOn(new InMemoryRepository());
    const { results } = await transfers.importUsers(
      (async function* () {
        yield { users: [{ user: { username: "a" }, passwordHash: "plain" }] };
      })(),
    );
    expect(results[0]?.result).toMatchObject({
      case: "refusal",
      value: {
        reason: ErrorReason.PASSWORD_HASH_UNACCEPTABLE,
        message: expect.stringMatching(/^password_hash: /),
      },
    });
  });
});
