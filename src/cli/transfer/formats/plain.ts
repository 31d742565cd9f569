import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type DomainError, invalidField } from "../../../domain/errors.ts";
import { User_State } from "../../../gen/auth/v1/user_pb.ts";
import { type UserRecord, UserRecordSchema } from "../../../gen/auth/v1/user_transfer_service_pb.ts";
import { findImpossibleTime } from "../../../infrastructure/text/json-times.ts";
import { objectOf, textAt, timeAt } from "./fields.ts";
import type { ForeignRow } from "./foreign.ts";

const attribute = /^attributes\./;
const columns = ["id", "email", "username", "display_name", "password_hash", "create_time", "suspend_reason"];

/**
 * A line of `auth export`: a UserRecord in ProtoJSON. Unknown fields are refused; fields that an import does not set,
 * such as `etag`, are ignored.
 * @throws INVALID_REQUEST if a value is not valid
 * @throws UNKNOWN_FIELD if a field is unknown
 */
export function ownRecord(value: unknown): ForeignRow {
  const row = objectOf(value);
  const impossible = findImpossibleTime(UserRecordSchema, row);
  if (impossible !== undefined) {
    throw invalidField(
      "INVALID_REQUEST",
      impossible,
      'must be a time in RFC 3339 with an offset, such as "2021-03-04T05:06:07Z"',
    );
  }
  const record = decode(row as JsonValue);
  assertConsistent(record);
  return { record };
}

function decode(row: JsonValue): UserRecord {
  try {
    return fromJson(UserRecordSchema, row);
  } catch (error) {
    throw faultOf(error instanceof Error ? error.message : "");
  }
}

const decodingFault =
  /^cannot decode \w+ auth\.v1\.(?<at>[\w.]+) from JSON(?:: key "(?<key>\w{1,40})" is unknown|.*(?<half>invalid UTF8)$)?/;

/** protobuf-es quotes the value, which may be a secret, so only names are taken from its message. */
function faultOf(message: string): DomainError {
  const { at = "UserRecord", key, half } = decodingFault.exec(message)?.groups ?? {};
  if (key !== undefined) return invalidField("UNKNOWN_FIELD", `${at}.${key}`, "unknown field");
  if (half !== undefined) return invalidField("INVALID_REQUEST", at, "contains half a surrogate pair");
  return invalidField("INVALID_REQUEST", at, "the value does not fit the field");
}

/** `state` is not imported, but a suspended or deleted user must not become active. */
function assertConsistent({ user }: UserRecord): void {
  if (user?.state === User_State.SUSPENDED && user.suspension === undefined) {
    throw invalidField("INVALID_REQUEST", "user.suspension", "is required in STATE_SUSPENDED");
  }
  if (user?.state === User_State.DELETED && user.deleteTime === undefined) {
    throw invalidField("INVALID_REQUEST", "user.delete_time", "is required in STATE_DELETED");
  }
}

/** A row of CSV. Each attribute has its own column: `attributes.team`. @throws INVALID_REQUEST for an unknown column */
export function csvRecord(value: unknown): ForeignRow {
  const row = objectOf(value);
  const names = Object.keys(row);
  const unknown = names.findIndex((name) => !columns.includes(name) && !attribute.test(name));
  if (unknown !== -1) {
    // The column is not quoted: in a file without a header, its name is a value.
    throw invalidField(
      "INVALID_REQUEST",
      "the header",
      `column ${unknown + 1} is unknown; the columns are ${columns.join(", ")} and attributes.NAME`,
    );
  }
  const reason = textAt(row, "suspend_reason");
  const createTime = timeAt(row, "create_time");
  const attributes = names.filter((name) => attribute.test(name) && row[name] !== "");
  return {
    record: {
      user: {
        id: textAt(row, "id"),
        email: textAt(row, "email"),
        username: textAt(row, "username"),
        displayName: textAt(row, "display_name"),
        attributes: Object.fromEntries(
          attributes.map((name) => [name.replace(attribute, ""), textAt(row, name)]),
        ),
        ...(createTime === undefined ? {} : { createTime: timestampFromDate(createTime) }),
        ...(reason === "" ? {} : { suspension: { reason } }),
      },
      passwordHash: textAt(row, "password_hash"),
    },
  };
}
