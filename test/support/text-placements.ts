import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";

/** A text somewhere in a message. */
export interface TextPlacement {
  /** "user.attributes[\"key\"]". */
  readonly path: string;
  /** Whether the field is a secret (debug_redact). */
  readonly isSecret: boolean;
  /** The fields of a message that has this text, and nothing else that matters. */
  readonly init: Readonly<Record<string, unknown>>;
}

/** A text in each place that a message has for one: fields, items, keys and values of maps, at any depth. */
export function* textPlacements(desc: DescMessage, text: string, depth = 6): Generator<TextPlacement> {
  if (depth === 0) return;
  for (const field of desc.fields) {
    for (const { value, ...placement } of inField(field, text, depth)) {
      const { oneof, localName } = field;
      const init = oneof ? { [oneof.localName]: { case: localName, value } } : { [localName]: value };
      yield { ...placement, init };
    }
  }
}

type ValuePlacement = Omit<TextPlacement, "init"> & { readonly value: unknown };

function* inField(field: DescField, text: string, depth: number): Generator<ValuePlacement> {
  const isSecret = field.proto.options?.debugRedact === true;
  if (field.fieldKind === "map") {
    const key = `${field.name}[${JSON.stringify(text)}]`;
    if (field.mapKey === ScalarType.STRING) yield { path: key, isSecret, value: { [text]: "" } };
    for (const { path, value } of inSingle(field, text, depth)) {
      yield { path: `${field.name}["key"]${path}`, isSecret, value: { key: value } };
    }
    return;
  }
  for (const { path, isSecret: isInnerSecret, value } of inSingle(field, text, depth)) {
    const inner = { isSecret: isSecret || isInnerSecret };
    if (field.fieldKind === "list") yield { ...inner, path: `${field.name}[0]${path}`, value: [value] };
    else yield { ...inner, path: `${field.name}${path}`, value };
  }
}

function* inSingle(field: DescField, text: string, depth: number): Generator<ValuePlacement> {
  const { message, scalar } = field;
  if (scalar === ScalarType.STRING) yield { path: "", isSecret: false, value: text };
  if (message === undefined) return;
  for (const { path, isSecret, init } of textPlacements(message, text, depth - 1)) {
    yield { path: `.${path}`, isSecret, value: init };
  }
}
