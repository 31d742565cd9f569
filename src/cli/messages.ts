import {
  create,
  type DescMessage,
  type JsonValue,
  type MessageInitShape,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import type { ServiceAccount, ServiceAccountKey } from "../domain/caller/service-account.ts";
import type { Session } from "../domain/session/session.ts";
import type { User } from "../domain/user/user.ts";
import { SetPasswordRequestSchema } from "../gen/auth/v1/authentication_service_pb.ts";
import { ServiceAccountKeySchema, ServiceAccountSchema } from "../gen/auth/v1/service_account_pb.ts";
import {
  CreateServiceAccountKeyRequestSchema,
  CreateServiceAccountRequestSchema,
  DisableServiceAccountKeyRequestSchema,
  ListServiceAccountsRequestSchema,
} from "../gen/auth/v1/service_account_service_pb.ts";
import { SessionSchema } from "../gen/auth/v1/session_pb.ts";
import {
  ListSessionsRequestSchema,
  RevokeUserSessionsRequestSchema,
} from "../gen/auth/v1/session_service_pb.ts";
import { RevokeSigningKeyRequestSchema } from "../gen/auth/v1/token_service_pb.ts";
import { UserSchema } from "../gen/auth/v1/user_pb.ts";
import {
  CreateUserRequestSchema,
  DeleteUserRequestSchema,
  ListUsersRequestSchema,
  SuspendUserRequestSchema,
  UnlockUsersRequestSchema,
} from "../gen/auth/v1/user_service_pb.ts";
import { assertValid } from "../interfaces/rpc/interceptors/validate.ts";
import {
  toServiceAccountKeyMessage,
  toServiceAccountMessage,
} from "../interfaces/rpc/service-account-message.ts";
import { toSessionMessage } from "../interfaces/rpc/session-message.ts";
import { toUserMessage } from "../interfaces/rpc/user-message.ts";

/**
 * The API's validation rules, which apply to command-line input too: they are in the schema and not in the domain.
 * Each throws INVALID_REQUEST that names the fields.
 */
export const assertRequest = {
  createUser: holding(CreateUserRequestSchema),
  suspendUser: holding(SuspendUserRequestSchema),
  /** Also for Undelete and Unsuspend, whose requests have the same fields. */
  changeUser: holding(DeleteUserRequestSchema),
  listUsers: holding(ListUsersRequestSchema),
  unlockUsers: holding(UnlockUsersRequestSchema),
  setPassword: holding(SetPasswordRequestSchema),
  listSessions: holding(ListSessionsRequestSchema),
  revokeUserSessions: holding(RevokeUserSessionsRequestSchema),
  revokeSigningKey: holding(RevokeSigningKeyRequestSchema),
  createServiceAccount: holding(CreateServiceAccountRequestSchema),
  createServiceAccountKey: holding(CreateServiceAccountKeyRequestSchema),
  /** Also for DeleteServiceAccountKey, whose request has the same fields. */
  changeServiceAccountKey: holding(DisableServiceAccountKeyRequestSchema),
  listServiceAccounts: holding(ListServiceAccountsRequestSchema),
} as const;

/** A user in the API's own JSON (ProtoJSON), with every field. */
export function userJson(user: User): JsonValue {
  return json(UserSchema, create(UserSchema, toUserMessage(user)));
}

/** A session in the API's own JSON, with every field. */
export function sessionJson(session: Session): JsonValue {
  return json(SessionSchema, create(SessionSchema, toSessionMessage(session)));
}

/** A service account in the API's own JSON, with every field. */
export function serviceAccountJson(account: ServiceAccount): JsonValue {
  return json(ServiceAccountSchema, create(ServiceAccountSchema, toServiceAccountMessage(account)));
}

/** The metadata of a service account's key in the API's own JSON, with every field. */
export function serviceAccountKeyJson(key: ServiceAccountKey): JsonValue {
  return json(ServiceAccountKeySchema, create(ServiceAccountKeySchema, toServiceAccountKeyMessage(key)));
}

function holding<Schema extends DescMessage>(schema: Schema) {
  return (fields: MessageInitShape<Schema>) => assertValid(schema, create(schema, fields));
}

function json<Schema extends DescMessage>(schema: Schema, message: MessageShape<Schema>): JsonValue {
  return toJson(schema, message, { alwaysEmitImplicit: true });
}
