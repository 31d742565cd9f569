import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { invalidField } from "../../domain/errors.ts";
import { UserRecordSchema } from "../../gen/auth/v1/user_transfer_service_pb.ts";
import { type ForeignRow, objectAt, suspensionIf, textAt, timeAt } from "./foreign.ts";

const attribute = /^attributes?\./;
const columns = ["id", "email", "username", "display_name", "password_hash", "create_time", "suspend_reason"];

/** A record as `auth export` writes it: the API's own JSON of a UserRecord. */
export function ownRecord(value: unknown): ForeignRow {
  try {
    return { record: fromJson(UserRecordSchema, value as JsonValue, { ignoreUnknownFields: true }) };
  } catch {
    // What it says of a value quotes it.
    throw invalidField(
      "INVALID_REQUEST",
      "the row",
      'must be a UserRecord: {"user": {…}, "passwordHash": "…"}',
    );
  }
}

/** A row of CSV. An attribute has a column of its own: `attributes.team`. A column that is not known is refused. */
export function csvRecord(value: unknown): ForeignRow {
  const row = objectAt(value);
  const unknown = Object.keys(row).find((name) => !columns.includes(name) && !attribute.test(name));
  if (unknown !== undefined) {
    throw invalidField(
      "INVALID_REQUEST",
      "the row",
      `unknown column; the columns are ${columns.join(", ")} and attributes.NAME`,
    );
  }
  const reason = textAt(row, "suspend_reason");
  const attributes = Object.keys(row).filter((name) => attribute.test(name) && row[name] !== "");
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
        createTime: timeAt(row, "create_time"),
        ...suspensionIf(reason !== "", reason),
      },
      passwordHash: textAt(row, "password_hash"),
    },
  };
}
