import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { invalidField } from "../../domain/errors.ts";
import type { RowReader } from "../../domain/transfer/user-import.ts";
import type { UserRecord } from "../../domain/transfer/user-record.ts";
import type { ExportedUser } from "../../domain/transfer/user-transfer-service.ts";
import {
  type UserRecord as UserRecordMessage,
  UserRecordSchema,
} from "../../gen/auth/v1/user_transfer_service_pb.ts";
import { emptyToUndefined } from "./empty-to-undefined.ts";
import { assertValid } from "./interceptors/validate.ts";
import { toDate } from "./timestamps.ts";
import { fieldsOf } from "./user-handlers.ts";
import { toUserMessage } from "./user-message.ts";

/** A row of an import. Reading it validates it as a user, and throws INVALID_REQUEST if it is invalid. */
export function toGivenRow(message: UserRecordMessage): RowReader {
  return () => toRecord(message);
}

/** Converts an exported user to a record that can be imported. */
export function toUserRecordMessage({
  user,
  passwordHash,
}: ExportedUser): MessageInitShape<typeof UserRecordSchema> {
  // For a deleted user too, because it is suspended again once undeleted.
  const suspension = user.state === "active" ? undefined : user.suspension;
  return { user: toUserMessage(user, suspension), passwordHash: passwordHash ?? "" };
}

function toRecord(message: UserRecordMessage): UserRecord {
  const { user, passwordHash } = message;
  if (user === undefined) throw invalidField("INVALID_REQUEST", "user", "is required");
  assertValid(UserRecordSchema, message);
  const { suspension } = user;
  return {
    ...fieldsOf(user),
    id: emptyToUndefined(user.id),
    passwordHash: emptyToUndefined(passwordHash),
    createTime: dateOf(user.createTime, "user.create_time"),
    suspension: suspension && {
      reason: suspension.reason,
      startTime: dateOf(suspension.startTime, "user.suspension.start_time"),
      untilTime: dateOf(suspension.untilTime, "user.suspension.until_time"),
    },
    deleteTime: dateOf(user.deleteTime, "user.delete_time"),
  };
}

function dateOf(timestamp: Timestamp | undefined, field: string): Date | undefined {
  return timestamp && toDate(timestamp, field);
}
