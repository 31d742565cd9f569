import { randomBytes, randomUUID } from "node:crypto";
import type { DescMethod } from "@bufbuild/protobuf";
import type { CallOptions } from "@connectrpc/connect";
import { hash } from "@node-rs/argon2";
import type { EventType } from "../../src/domain/audit/event.ts";
import { AuthenticationService } from "../../src/gen/auth/v1/authentication_service_pb.ts";
import { UserService } from "../../src/gen/auth/v1/user_service_pb.ts";
import { UserTransferService } from "../../src/gen/auth/v1/user_transfer_service_pb.ts";
import { serviceDescriptors } from "../../src/interfaces/rpc/routes.ts";
import type { Stored, StoredUser } from "./fault-lane.ts";
import type { RpcClients } from "./rpc.ts";
import { cheapArgon2, otherPassword, password } from "./services.ts";

/** One call of an RPC that writes, and what one effect of it is. */
export interface MutationScenario {
  readonly name: string;
  readonly method: DescMethod;
  /** The user that there is before. */
  readonly user: (id: string) => Promise<StoredUser | undefined>;
  readonly call: (rpc: RpcClients, ids: ScenarioIds, options?: CallOptions) => Promise<unknown>;
  /** The rows that are committed by exactly one effect, in alphabetical order. */
  readonly changes: readonly string[];
  /** What is there after exactly one effect. */
  readonly becomes: Partial<Stored["users"][number]> & { readonly password?: Stored["password"] };
  /** The event of that effect. */
  readonly event: { readonly type: EventType; readonly changedFields: readonly string[] };
  /** What each call is told as besides, effect or not: it checks a password. */
  readonly attempt?: EventType;
  /** The answer is good without the effect too: what the call writes is not what it was made for. */
  readonly effectIsOptional?: boolean;
}

export interface ScenarioIds {
  readonly id: string;
  readonly requestId: string;
}

export function newIds(): ScenarioIds {
  return { id: randomUUID(), requestId: randomUUID() };
}

const username = "ada";
const inState = (state: StoredUser["state"]) => async (id: string) => ({ id, username, state });
const withPassword = async (id: string) => ({
  id,
  username,
  state: "active" as const,
  passwordHash: await firstHash,
});
const argon2 = (cost: typeof cheapArgon2) =>
  hash(password, {
    memoryCost: cost.memoryKib,
    timeCost: cost.iterations,
    parallelism: cost.parallelism,
    salt: randomBytes(16),
  });
const firstHash = argon2(cheapArgon2);
const outdatedHash = argon2({ ...cheapArgon2, iterations: 2 });

/** An import of one user, whose password is the first. */
async function* batches(requestId: string, user: { username: string; displayName: string }) {
  yield { requestId, users: [{ user, passwordHash: await firstHash }] };
}

const change = ["insert events", "insert requests", "update requests", "update users"];
/** Ends all sessions of the user too, which is a row of theirs. */
const changeAndEnd = [...change, "update users"];

export const mutationScenarios: readonly MutationScenario[] = [
  {
    name: "CreateUser",
    method: UserService.method.createUser,
    user: async () => undefined,
    call: ({ users }, { requestId }, options) =>
      users.createUser({ user: { username, displayName: "after" }, requestId }, options),
    changes: ["insert events", "insert requests", "insert users", "update requests"],
    becomes: { version: 1, displayName: "after", state: "active", password: "none" },
    event: { type: "user.created", changedFields: ["username", "display_name"] },
  },
  {
    name: "CreateUser with a password",
    method: UserService.method.createUser,
    user: async () => undefined,
    call: ({ users }, { requestId }, options) =>
      users.createUser({ user: { username, displayName: "after" }, password, requestId }, options),
    changes: ["insert credentials", "insert events", "insert requests", "insert users", "update requests"],
    becomes: { version: 1, displayName: "after", state: "active", password: "first" },
    event: { type: "user.created", changedFields: ["username", "display_name", "password"] },
  },
  {
    name: "ImportUsers",
    method: UserTransferService.method.importUsers,
    user: async () => undefined,
    call: async ({ transfers }, { requestId }, options) => {
      const user = { username, displayName: "after" };
      const { results, refusedCount } = await transfers.importUsers(batches(requestId, user), options);
      // Not how many rows were there before: who repeats a call that has failed does not know.
      return { results, refusedCount };
    },
    changes: ["insert credentials", "insert events", "insert users"],
    becomes: { version: 1, displayName: "after", state: "active", password: "first" },
    event: { type: "user.imported", changedFields: ["username", "display_name", "password"] },
  },
  {
    name: "UpdateUser",
    method: UserService.method.updateUser,
    user: inState("active"),
    call: ({ users }, { id, requestId }, options) =>
      users.updateUser(
        { user: { id, displayName: "after", etag: "1" }, updateMask: { paths: ["display_name"] }, requestId },
        options,
      ),
    changes: change,
    becomes: { version: 2, displayName: "after" },
    event: { type: "user.updated", changedFields: ["display_name"] },
  },
  {
    name: "DeleteUser",
    method: UserService.method.deleteUser,
    user: inState("active"),
    call: ({ users }, { id, requestId }, options) => users.deleteUser({ id, requestId }, options),
    changes: changeAndEnd,
    becomes: { version: 2, state: "deleted" },
    event: { type: "user.deleted", changedFields: ["delete_time"] },
  },
  {
    name: "UndeleteUser",
    method: UserService.method.undeleteUser,
    user: inState("deleted"),
    call: ({ users }, { id, requestId }, options) => users.undeleteUser({ id, requestId }, options),
    changes: change,
    becomes: { version: 2, state: "active" },
    event: { type: "user.undeleted", changedFields: ["delete_time"] },
  },
  {
    name: "SuspendUser",
    method: UserService.method.suspendUser,
    user: inState("active"),
    call: ({ users }, { id, requestId }, options) =>
      users.suspendUser({ id, reason: "spam", requestId }, options),
    changes: changeAndEnd,
    becomes: { version: 2, state: "suspended" },
    event: { type: "user.suspended", changedFields: ["suspension"] },
  },
  {
    name: "UnsuspendUser",
    method: UserService.method.unsuspendUser,
    user: inState("suspended"),
    call: ({ users }, { id, requestId }, options) => users.unsuspendUser({ id, requestId }, options),
    changes: change,
    becomes: { version: 2, state: "active" },
    event: { type: "user.unsuspended", changedFields: ["suspension"] },
  },
  {
    name: "SetPassword",
    method: AuthenticationService.method.setPassword,
    user: withPassword,
    call: ({ authentication }, { id, requestId }, options) =>
      authentication.setPassword({ userId: id, password: otherPassword, requestId }, options),
    changes: ["insert events", "insert requests", "update credentials", "update users"],
    becomes: { version: 1, password: "second" },
    event: { type: "password.set", changedFields: ["password"] },
  },
  {
    name: "ChangePassword",
    method: AuthenticationService.method.changePassword,
    user: withPassword,
    call: ({ authentication }, { id, requestId }, options) =>
      authentication.changePassword(
        { userId: id, currentPassword: password, newPassword: otherPassword, requestId },
        options,
      ),
    changes: ["insert events", "insert requests", "update credentials", "update users"],
    becomes: { version: 1, password: "second" },
    event: { type: "password.changed", changedFields: ["password"] },
    attempt: "password.changed",
  },
  {
    name: "VerifyPassword that hashes anew",
    method: AuthenticationService.method.verifyPassword,
    user: async (id) => ({ ...(await withPassword(id)), passwordHash: await outdatedHash }),
    call: ({ authentication }, _ids, options) =>
      authentication.verifyPassword({ identifier: username, password }, options),
    changes: ["insert events", "update credentials"],
    becomes: { version: 1, password: "first" },
    event: { type: "password.rehashed", changedFields: [] },
    attempt: "password.verified",
    effectIsOptional: true,
  },
];

/** The methods that a request id makes safe to repeat: those that write. */
export function mutatingMethods(): DescMethod[] {
  return serviceDescriptors.flatMap(({ methods }): DescMethod[] =>
    methods.filter(({ input }) => input.fields.some(({ name }) => name === "request_id")),
  );
}
