import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";

/** The value of a field: a scalar, a message, a list or a map; undefined if the field is not set. */
export function setValue({ localName, oneof }: DescField, message: Message): unknown {
  const fields = message as unknown as Record<string, unknown>;
  if (oneof === undefined) return fields[localName];
  const { case: set, value } = fields[oneof.localName] as { case?: string; value?: unknown };
  return set === localName ? value : undefined;
}

/** Returns the fields of a schema that pass a test, which runs once per schema. */
export function fieldsThat(
  test: (field: DescField) => boolean,
): (schema: DescMessage) => readonly DescField[] {
  const known = new WeakMap<DescMessage, readonly DescField[]>();
  return (schema) => {
    let fields = known.get(schema);
    if (fields === undefined) {
      fields = schema.fields.filter(test);
      known.set(schema, fields);
    }
    return fields;
  };
}
