import type { DescMessage, Message } from "@bufbuild/protobuf";
import { DomainError } from "../../../domain/errors.ts";
import { fieldsThat, setValue } from "./message-fields.ts";

/** How many unknown fields are named. */
const maxNamed = 20;

/**
 * Refuses a message with a field that its schema does not have, at any depth. A caller may have narrowed its request by
 * a field that is newer than this replica: without it the call would do more than was asked for.
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

/** Most messages hold no others. */
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
