import { type DescField, type DescMessage, getOption, type Message, ScalarType } from "@bufbuild/protobuf";
import { Ignore, field as rulesOf } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { FieldViolation } from "../../../domain/errors.ts";
import { unstorable } from "../../../domain/storable-text.ts";
import { fieldsThat, setValue } from "./message-fields.ts";

/** Maximum number of fields that an error names. */
const maxNamed = 20;

/**
 * The paths of texts that the database cannot store, in any field, at any depth, including map keys. Secrets are
 * skipped: none is stored as text, and their own checks have reasons of their own.
 */
export function unstorableTexts(schema: DescMessage, message: Message): FieldViolation[] {
  return [...textsIn(schema, message, "").take(maxNamed)];
}

const fieldsWithText = fieldsThat(
  (field) => (isText(field) || field.message !== undefined) && !isSecret(field) && !isCheckedByItem(field),
);

function* textsIn(schema: DescMessage, message: Message, path: string): Generator<FieldViolation> {
  for (const field of fieldsWithText(schema)) {
    const value = setValue(field, message);
    if (value === undefined) continue;
    const at = `${path}${field.name}`;
    if (field.fieldKind === "list") {
      for (const [index, item] of (value as unknown[]).entries())
        yield* within(field, item, `${at}[${index}]`);
    } else if (field.fieldKind === "map") {
      for (const [key, item] of Object.entries(value as object)) {
        const entry = `${at}[${JSON.stringify(key)}]`;
        yield* inText(key, entry);
        yield* within(field, item, entry);
      }
    } else {
      yield* within(field, value, at);
    }
  }
}

function within({ message }: DescField, value: unknown, path: string): Iterable<FieldViolation> {
  if (typeof value === "string") return inText(value, path);
  return message === undefined ? [] : textsIn(message, value as Message, `${path}.`);
}

function inText(text: string, field: string): FieldViolation[] {
  const description = unstorable(text);
  return description === undefined ? [] : [{ field, description }];
}

function isText(field: DescField): boolean {
  return field.fieldKind === "map" || ("scalar" in field && field.scalar === ScalarType.STRING);
}

function isSecret(field: DescField): boolean {
  return field.proto.options?.debugRedact === true;
}

/** Whether an invalid item must not fail the whole message, because the handler checks each item. */
function isCheckedByItem(field: DescField): boolean {
  const { type } = getOption(field, rulesOf);
  return type.case === "repeated" && type.value.items?.ignore === Ignore.ALWAYS;
}
