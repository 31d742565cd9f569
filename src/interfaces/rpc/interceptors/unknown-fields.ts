import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { DomainError } from "../../../domain/errors.ts";

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

function* unknownFields(schema: DescMessage, message: Message, path: string): Generator<string> {
  for (const { no } of message.$unknown ?? []) yield `${path}${no}`;
  for (const field of messageFields(schema)) {
    const value = setValue(field, message);
    if (value === undefined) continue;
    const at = `${path}${field.name}`;
    if (field.fieldKind === "list") {
      for (const [index, item] of (value as Message[]).entries()) {
        yield* unknownFields(field.message, item, `${at}[${index}].`);
      }
    } else if (field.fieldKind === "map") {
      for (const [key, item] of Object.entries(value as Record<string, Message>)) {
        yield* unknownFields(field.message, item, `${at}[${JSON.stringify(key)}].`);
      }
    } else {
      yield* unknownFields(field.message, value as Message, `${at}.`);
    }
  }
}

type MessageField = DescField & { readonly message: DescMessage };

const known = new WeakMap<DescMessage, readonly MessageField[]>();

/** The fields that hold messages: most messages have none. */
function messageFields(schema: DescMessage): readonly MessageField[] {
  let fields = known.get(schema);
  if (fields === undefined) {
    fields = schema.fields.filter((field): field is MessageField => field.message !== undefined);
    known.set(schema, fields);
  }
  return fields;
}

/** A message, a list of them or a map; undefined if the field is not set. */
function setValue({ localName, oneof }: DescField, message: Message): unknown {
  const fields = message as unknown as Record<string, unknown>;
  if (oneof === undefined) return fields[localName];
  const { case: set, value } = fields[oneof.localName] as { case?: string; value?: unknown };
  return set === localName ? value : undefined;
}
