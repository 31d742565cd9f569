import type { ServiceImpl } from "@connectrpc/connect";
import { DomainError } from "../../domain/errors.ts";
import { Secret } from "../../domain/secret.ts";
import type { Lockouts } from "../../domain/throttle/lockouts.ts";
import type { UserFields } from "../../domain/user/update-mask.ts";
import type { UserReference } from "../../domain/user/user-reference.ts";
import type { UserService } from "../../domain/user/user-service.ts";
import type { User } from "../../gen/auth/v1/user_pb.ts";
import type {
  BatchGetUsersRequest_Key,
  ListUsersRequest,
  LookupUserRequest,
  UserService as UserServiceDesc,
} from "../../gen/auth/v1/user_service_pb.ts";
import { emptyToUndefined } from "./empty-to-undefined.ts";
import { errorInfo } from "./errors.ts";
import { toCall } from "./rpc-call.ts";
import { toBound, toDate } from "./timestamps.ts";
import { toUserMessage, toUserState } from "./user-message.ts";

/** Handlers of auth.v1.UserService. */
export function userHandlers(users: UserService, lockouts: Lockouts): ServiceImpl<typeof UserServiceDesc> {
  return {
    async createUser({ user, password, requestId }, context) {
      const created = await users.create(toCall(context), {
        ...fieldsOf(user),
        password: password === "" ? undefined : new Secret(password),
        requestId: emptyToUndefined(requestId),
      });
      return { user: toUserMessage(created) };
    },

    async getUser({ id }, context) {
      return { user: toUserMessage(await users.get(toCall(context), { kind: "id", value: id })) };
    },

    async lookupUser({ identifier }, context) {
      return { user: toUserMessage(await users.get(toCall(context), referenceOf(identifier))) };
    },

    async batchGetUsers({ keys }, context) {
      const results = await users.batchGet(
        toCall(context),
        keys.map(({ key }) => referenceOf(key)),
      );
      return {
        results: results.map((result) =>
          result instanceof DomainError
            ? { result: { case: "error" as const, value: errorInfo(result.reason) } }
            : { result: { case: "user" as const, value: toUserMessage(result) } },
        ),
      };
    },

    async listUsers({ filter, orderBy, pageSize, pageToken, showDeleted }, context) {
      const page = await users.list(toCall(context), {
        ...filterOf(filter),
        ...orderOf(orderBy),
        showDeleted,
        pageSize,
        pageToken,
      });
      return { users: page.users.map((user) => toUserMessage(user)), nextPageToken: page.nextPageToken };
    },

    async updateUser({ user, updateMask, requestId }, context) {
      const updated = await users.update(toCall(context), {
        id: user?.id ?? "",
        etag: emptyToUndefined(user?.etag),
        fields: fieldsOf(user),
        mask: updateMask?.paths ?? [],
        requestId: emptyToUndefined(requestId),
      });
      return { user: toUserMessage(updated) };
    },

    async deleteUser({ id, etag, requestId }, context) {
      const deleted = await users.delete(toCall(context), {
        id,
        etag: emptyToUndefined(etag),
        requestId: emptyToUndefined(requestId),
      });
      return { user: toUserMessage(deleted) };
    },

    async undeleteUser({ id, etag, requestId }, context) {
      const undeleted = await users.undelete(toCall(context), {
        id,
        etag: emptyToUndefined(etag),
        requestId: emptyToUndefined(requestId),
      });
      return { user: toUserMessage(undeleted) };
    },

    async suspendUser({ id, reason, untilTime, etag, requestId }, context) {
      const suspended = await users.suspend(toCall(context), {
        id,
        reason,
        untilTime: untilTime && toDate(untilTime, "until_time"),
        etag: emptyToUndefined(etag),
        requestId: emptyToUndefined(requestId),
      });
      return { user: toUserMessage(suspended) };
    },

    async unsuspendUser({ id, etag, requestId }, context) {
      const unsuspended = await users.unsuspend(toCall(context), {
        id,
        etag: emptyToUndefined(etag),
        requestId: emptyToUndefined(requestId),
      });
      return { user: toUserMessage(unsuspended) };
    },

    async unlockUser({ id }, context) {
      return { user: toUserMessage(await lockouts.unlock(toCall(context), id)) };
    },

    async unlockUsers({ filter, pageSize, pageToken }, context) {
      return lockouts.unlockPage(toCall(context), { ...filterOf(filter), pageSize, pageToken });
    },
  };
}

/** The fields of a user that callers set. */
export function fieldsOf(user: User | undefined): UserFields {
  return {
    email: emptyToUndefined(user?.email),
    username: emptyToUndefined(user?.username),
    displayName: user?.displayName ?? "",
    attributes: user?.attributes ?? {},
  };
}

function referenceOf(key: BatchGetUsersRequest_Key["key"] | LookupUserRequest["identifier"]): UserReference {
  // The schema requires that one is set.
  return key.case === undefined ? { kind: "id", value: "" } : { kind: key.case, value: key.value };
}

/** Converts the filter of a list. */
export function filterOf(filter: ListUsersRequest["filter"]) {
  return {
    state: filter && toUserState(filter.state),
    createdAfter: filter?.createdAfter && toBound(filter.createdAfter, "filter.created_after"),
    createdBefore: filter?.createdBefore && toBound(filter.createdBefore, "filter.created_before"),
    emailPrefix: emptyToUndefined(filter?.emailPrefix),
  };
}

/** The schema allows "create_time" and "id", each with or without " desc". */
function orderOf(orderBy: string) {
  return {
    orderBy: orderBy.startsWith("id") ? ("id" as const) : ("createTime" as const),
    descending: orderBy.endsWith(" desc"),
  };
}
