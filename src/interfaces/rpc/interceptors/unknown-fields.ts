import type { DescMessage, Message } from "@bufbuild/protobuf";
import { DomainError } from "../../../domain/errors.ts";
import { fieldsThat, setValue } from "./message-fields.ts";

/** Maximum number of unknown fields that an error names. */
const maxNamed = 20;

/**
 * Refuses a message with a field that its schema does not have, at any depth. A newer caller may have narrowed its
 * request with a field that this replica does not know; ignoring it would do more than requested.
 *
 * @throws UNKNOWN_FIELD with the path of each such field, which ends in its number: "filter.9"
 */
export function assertKnownFields(schema: DescMessage, message: Message): void {
  const first = unknownFields(schema, message, "").next();
  if (first.done === true) return;
  const fields = [...new Set(unknownFields(schema, message, "").take(maxNamed))];
  const violations = fields.map((field) => ({ field, description: "unknown field" }));
  throw new DomainError("UNKNOWN_FIELD", `${first.value}: unknown field`, { violations });
}

/** Only fields that hold messages. Most messages have none. */
const messageFields = fieldsThat((field) => field.message !== undefined);

function* unknownFields(schema: DescMessage, message: Message, path: string): Generator<string> {
  for (const { no } of message.$unknown ?? []) yield `${path}${no}`;
  for (const field of messageFields(schema)) {
    const value = setValue(field, message);
    const inner = field.message;
    if (value === undefined || inner === undefined) continue;
    const at = `${path}${field.name}`;
    if (field.fieldKind === "list") {
      for (const [index, item] of (value as Message[]).entries()) {
        yield* unknownFields(inner, item, `${at}[${index}].`);
      }
    } else if (field.fieldKind === "map") {
      for (const [key, item] of Object.entries(value as Record<string, Message>)) {
        yield* unknownFields(inner, item, `${at}[${JSON.stringify(key)}].`);
      }
    } else {
      yield* unknownFields(inner, value as Message, `${at}.`);
    }
  }
}
