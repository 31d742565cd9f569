import { randomUUID } from "node:crypto";
import {
  create,
  type DescField,
  type DescMessage,
  type DescMethod,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { serviceDescriptors } from "../../src/interfaces/rpc/routes.ts";

export const methods: readonly DescMethod[] = serviceDescriptors.flatMap((service) => service.methods);

/** Every message that a method takes or answers, however deep. */
export function allMessages(): DescMessage[] {
  const found = new Set<DescMessage>();
  const visit = (message: DescMessage) => {
    if (found.has(message)) return;
    found.add(message);
    for (const field of message.fields) {
      if (field.message !== undefined) visit(field.message);
    }
  };
  for (const { input, output } of methods) [input, output].forEach(visit);
  return [...found].filter(({ typeName }) => typeName.startsWith("auth."));
}

export function isRedacted(field: DescField): boolean {
  return field.proto.options?.debugRedact === true;
}

/** What is written into one field: a text for a place in a request. */
export type Fill = (field: DescField) => string | undefined;

/**
 * A request with every field set: texts by `fill`, numbers by 1, and of each oneof the first member.
 * @param depth how deep messages are filled; none of ours nests deeper
 */
export function filled(desc: DescMessage, fill: Fill, depth = 4): Message {
  const init: Record<string, unknown> = {};
  for (const member of desc.members) {
    if (member.kind === "oneof") {
      const [first] = member.fields;
      if (first) init[member.localName] = { case: first.localName, value: fieldValue(first, fill, depth) };
    } else {
      const value = fieldValue(member, fill, depth);
      if (value !== undefined) init[member.localName] = value;
    }
  }
  return create(desc, init);
}

function fieldValue(field: DescField, fill: Fill, depth: number): unknown {
  if (field.fieldKind === "list") {
    const value = single(field, fill, depth);
    return value === undefined ? [] : [value];
  }
  if (field.fieldKind === "map") return {};
  return single(field, fill, depth);
}

function single(field: DescField, fill: Fill, depth: number): unknown {
  if (field.message !== undefined) {
    // Times and durations are not texts, and Any and Struct are none of ours.
    if (!field.message.typeName.startsWith("auth.") || depth === 0) return undefined;
    return filled(field.message, fill, depth - 1);
  }
  switch (field.scalar) {
    case ScalarType.STRING:
      return fill(field) ?? "";
    case ScalarType.BYTES:
      return Buffer.from(fill(field) ?? "");
    case ScalarType.INT32:
    case ScalarType.UINT32:
      return 1;
    default:
      return undefined;
  }
}

/** Texts by which a request gets far, by the names of fields. */
export function plausible(known: { readonly userId: string; readonly username: string }): Fill {
  return ({ name }) => {
    if (name === "request_id") return randomUUID();
    if (name === "user_id" || name === "id") return known.userId;
    if (name.endsWith("_id")) return randomUUID();
    if (name === "identifier" || name === "username") return known.username;
    if (name === "email") return `${known.username}@example.com`;
    if (name === "audience") return "development";
    if (name === "ip_address") return "192.0.2.1";
    if (name === "etag" || name === "page_token" || name === "filter" || name === "order_by") return "";
    return "plausible";
  };
}
